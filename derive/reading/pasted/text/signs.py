"""How mathematics is written in plain text: characters, LaTeX commands and words, as data."""

from __future__ import annotations

# Greek letters as the names people type. `lambda` is a keyword of Python.
GREEK: dict[str, str] = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ϵ": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ϑ": "theta", "κ": "kappa", "λ": "lam", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "π": "pi",
    "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Δ": "Delta",
    "Θ": "Theta", "Γ": "Gamma", "Λ": "Lambda", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip

# Letters that begin a longer name (Δw is one quantity, βw a product).
PREFIXES = frozenset("Δd")

SUPERSCRIPTS: dict[str, str] = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵗᵏⁿⁱ′ᵀ", "0123456789+-()tkni'T", strict=True))
SUBSCRIPTS: dict[str, str] = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₜₖₙᵢⱼₛₘₚ", "0123456789+-()tknijsmp", strict=True))

# Marks over a letter, as characters and as commands.
ACCENTS: dict[str, str] = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0305": "bar", "\u0307": "dot"}
ACCENT_COMMANDS: dict[str, str] = {
    "hat": "hat", "widehat": "hat", "tilde": "tilde", "widetilde": "tilde", "bar": "bar", "overline": "bar",
    "dot": "dot", "vec": "", "mathbf": "", "boldsymbol": "", "bm": "", "mathrm": "", "text": "", "textrm": "",
    "mathit": "", "textit": "", "textbf": "", "mathsf": "", "mathcal": "", "operatorname": "", "rm": "", "bf": "",
}  # fmt: skip

# One character that stands for others.
CHARACTERS: dict[str, str] = {
    "−": "-", "–": "-", "﹣": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "•": "*", "∗": "*", "⊙": "*", "∘": "*",
    "⨀": "*", "÷": "/", "⊘": "/", "∕": "/", "←": " = ", "⟵": " = ", "⇐": " = ", "≔": " = ", "≤": "<=", "≥": ">=",
    "≠": "!=", "√": "\\sqrt ", "…": "...", "“": '"', "”": '"', "‘": "'", "’": "'", "′": "'", "ʹ": "'",
    "\u00a0": " ", "\u2009": " ", "\u200a": " ", "\u202f": " ", "\u2002": " ", "\u2003": " ", "\u200b": "",
    "\u2062": "", "\ufeff": "", "（": "(", "）": ")", "，": ",", "；": ";", "：": ":", "＝": "=", "∂": "\\partial ",
    "∇": "\\nabla ",
}  # fmt: skip

# LaTeX commands that stand for an operator or bracket; "" disappears.
COMMANDS: dict[str, str] = {
    "cdot": "*", "times": "*", "odot": "*", "ast": "*", "circ": "*", "star": "*", "oslash": "/", "div": "/",
    "leftarrow": "=", "gets": "=", "longleftarrow": "=", "coloneqq": "=", "le": "<=", "leq": "<=", "ge": ">=",
    "geq": ">=", "ne": "!=", "neq": "!=", "lt": "<", "gt": ">",
    "left": "", "right": "", "big": "", "Big": "", "bigg": "", "Bigg": "",
    "bigl": "", "bigr": "", "Bigl": "", "Bigr": "", "quad": "", "qquad": "", ",": "", ";": "", ":": "", "!": "",
    " ": "", "displaystyle": "", "limits": "", "nonumber": "", "notag": "", "ldots": "...", "dots": "...",
}  # fmt: skip

LATEX_GREEK: dict[str, str] = {name: name for name in GREEK.values()} | {
    "varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "lambda": "lam", "ell": "ell",
}  # fmt: skip

# Functions of one argument that are also written without brackets, as in √x.
FUNCTIONS: dict[str, str] = {
    "sqrt": "sqrt", "exp": "exp", "log": "log", "ln": "log", "tanh": "tanh", "sin": "sin", "cos": "cos",
    "sign": "sign", "sgn": "sign", "abs": "abs",
}  # fmt: skip
CALLED: dict[str, str] = {**FUNCTIONS, "max": "max", "min": "min", "maximum": "maximum", "minimum": "minimum"}

# Words for a gradient that is asked for at the point that follows.
GRADIENT_WORDS = frozenset({"grad", "gradient", "nabla"})

PYTHON_WORDS = frozenset({
    "if", "else", "elif", "for", "in", "while", "return", "and", "or", "not", "is", "None", "True", "False", "pass",
    "def", "class", "import", "from", "as", "with", "lambda", "break", "continue", "global", "del", "yield", "raise",
    "try", "except", "finally", "assert", "async", "await", "nonlocal",
})  # fmt: skip

# Words that stand in sentences and never in a product.
SENTENCE = frozenset({
    "the", "is", "are", "of", "on", "we", "to", "by", "that", "this", "using", "then", "which", "our", "it", "be",
    "where", "here", "current", "each", "until", "do", "end", "repeat",
})  # fmt: skip
