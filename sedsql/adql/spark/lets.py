"""Put plain values in the place of names that a lambda gives them, so that more of a query is plain arithmetic.

The translator has no other way to name a value than `list_transform([{'v': value}], lambda __t: ...)[1]`. Spark runs
lambdas without compiling them, so names of columns and constants are written out again.
"""

from __future__ import annotations

from sqlglot import exp

from sedsql.adql.spark.reader import arguments_of, name_of, whole


def without_plain_names(tree: exp.Expr) -> exp.Expr:
    """Replace the names of columns and constants in a query by these; change the tree in place."""
    for node in list(tree.find_all(exp.Bracket)):
        if is_let(node):
            _shorten(node)
    return tree


def is_let(node: exp.Expr) -> bool:
    """Whether an expression names values in a struct: `list_transform([{...}], lambda name: body)[1]`."""
    if not isinstance(node, exp.Bracket) or [whole(index) for index in node.expressions] != [1]:
        return False
    made = node.this
    if name_of(made) != "list_transform":
        return False
    values, function = arguments_of(made)
    one = (
        isinstance(values, exp.Array) and len(values.expressions) == 1 and isinstance(values.expressions[0], exp.Struct)
    )
    return one and isinstance(function, exp.Lambda)


def body_of(let: exp.Expr) -> exp.Expr:
    return arguments_of(let.this)[1].this


def _shorten(let: exp.Expr) -> None:
    values, function = arguments_of(let.this)
    struct, name = values.expressions[0], function.expressions[0].name
    plain = {field.this.name: field.expression for field in struct.expressions if _is_plain(field.expression)}
    if not plain:
        return
    _replace(function, "this", name, plain)
    kept = [field for field in struct.expressions if field.this.name not in plain]
    if kept:
        struct.set("expressions", kept)
    else:
        body = function.this
        let.replace(exp.Paren(this=body) if isinstance(body, exp.Binary | exp.Not) else body)


def _is_plain(value: exp.Expr) -> bool:
    """Whether a value is a constant or a column, perhaps cast; the names of other lambdas are not, for they end."""
    while isinstance(value, exp.Paren | exp.Cast | exp.Neg):
        value = value.this
    if isinstance(value, exp.Column):
        return not value.parts[0].name.startswith("__")
    return isinstance(value, exp.Literal | exp.Boolean | exp.Null)


def _is_field(node: exp.Expr, name: str) -> bool:
    """Whether an expression is `name.field`."""
    return isinstance(node, exp.Dot) and isinstance(node.this, exp.Identifier) and node.this.name == name


def _replace(holder: exp.Expr, key: str, name: str, plain: dict[str, exp.Expr]) -> None:
    """Replace `name.field` within one argument of a node, but not where another lambda takes the name."""
    value = holder.args.get(key)
    for part in value if isinstance(value, list) else [value]:
        if not isinstance(part, exp.Expr):
            continue
        if _is_field(part, name) and part.expression.name in plain:
            found = plain[part.expression.name].copy()
            part.replace(exp.Paren(this=found) if isinstance(found, exp.Neg) else found)
        elif not (isinstance(part, exp.Lambda) and part.expressions[0].name == name):
            for inner in part.args:
                _replace(part, inner, name, plain)
