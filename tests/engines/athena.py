#!/usr/bin/env python3
"""A statement of Athena's -> its result, by DuckDB.

    athena.py STATEMENT BUCKETS RESULT

reads UNLOAD from the file STATEMENT, parses it in Athena's dialect, and runs what it selects over the Parquet files
under the folder BUCKETS (`<bucket>/<key>`), which holds what the table's buckets hold. RESULT is one Parquet file.
"""
import pathlib
import sys

import duckdb
import sqlglot
from sqlglot import exp


def selected(statement):
    """What is unloaded. To sqlglot, UNLOAD is a word with any text behind it: what counts is the query in it."""
    head, _, rest = statement.partition("(")
    select, _, tail = rest.rpartition(")\nTO ")
    if head.strip() != "UNLOAD" or "format = 'PARQUET'" not in tail:
        raise SystemExit(f"not an UNLOAD to Parquet: {statement[:60]}...")
    return sqlglot.parse_one(select, read="athena", error_level=sqlglot.ErrorLevel.RAISE)


def for_duckdb(query):
    """DuckDB has no map_filter: it filters the list of entries."""

    def filtered(node):
        is_it = isinstance(node, exp.Anonymous) and node.name.lower() == "map_filter"
        if not (is_it or type(node).__name__ == "MapFilter"):
            return node
        column, function = node.expressions if is_it else (node.this, node.expression)
        key, value = (parameter.name for parameter in function.expressions)
        fields = {key: "key", value: "value"}

        def field(part):
            if isinstance(part, (exp.Column, exp.Identifier)) and part.name in fields and not isinstance(part.parent, exp.Column):
                return exp.Dot(this=exp.to_identifier("e"), expression=exp.to_identifier(fields[part.name]))
            return part

        body = function.this.copy().transform(field).sql(dialect="duckdb")
        column = column.sql(dialect="duckdb")
        return sqlglot.parse_one(
            f"CASE WHEN {column} IS NOT NULL THEN map_from_entries(list_filter(map_entries({column}), lambda e: {body})) END",
            read="duckdb",
        )

    return query.transform(filtered).sql(dialect="duckdb")


def main(statement, buckets, result):
    query = selected(pathlib.Path(statement).read_text())
    (table,) = query.find_all(exp.Table)
    database, name = table.args["db"].sql(dialect="duckdb"), table.this.sql(dialect="duckdb")
    buckets = pathlib.Path(buckets)
    files = [str(file) for file in sorted(buckets.rglob("*")) if file.is_file()]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE SCHEMA {database}")
    # Partition projection reads a folder with all that is below it, as Athena does.
    folder = f"regexp_extract(filename[{len(str(buckets)) + 2}:], '^[^/]*/(.*)/[^/]*$', 1)"
    connection.execute(
        f"CREATE VIEW {database}.{name} AS SELECT * EXCLUDE (filename), {folder} AS folder,"
        f" 's3://' || filename[{len(str(buckets)) + 2}:] AS \"$path\""
        f" FROM read_parquet({files!r}, filename = true, union_by_name = true)"
    )
    connection.execute(f"COPY ({for_duckdb(query)}) TO '{result}' (FORMAT parquet, COMPRESSION snappy)")


if __name__ == "__main__":
    main(*sys.argv[1:])
