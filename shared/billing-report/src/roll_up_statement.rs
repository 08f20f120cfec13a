//! A report that lies in a table -> the SQL that rolls its lines up, in the dialect of Athena.
//!
//! The result is a report of the same columns with fewer rows, each for all lines of one day that differ in nothing that
//! [`crate::read_parquet`] looks at. What a line costs is decided there and not here, and its sums come out the same to the
//! last digit, whatever engine added:
//!
//! * A double that is `n / 1e10` for a whole `n` below 1e15 is that decimal: it has at most 15 digits, and no two decimals of 15
//!   digits are one double. `CAST(n AS DOUBLE) / 1e10 = x` asks just that, as division is rounded correctly everywhere. Of lines
//!   whose amounts are all so the `n` are added, as 64-bit integers, and an overflow fails the query.
//! * A sum goes back into a double by the same rule, in two rows where it has more than 14 digits: its last 14, and the rest.
//! * Lines with any other amount, and of kinds whose cost is no plain sum of their columns, are counted: a row for those that are
//!   equal in all amounts, with how many they are (`callboard_copies`).
//!
//! Conditions leave out what surely does not matter (the description of a line of usage). What is not known here stays as it is.

use crate::columns::{COLUMNS, Column, Meaning, missing_required};
use crate::marks::{FAMILIES, WHOLE};
use crate::names::Names;
use crate::tag_keys::TagKeys;

/// Longest statement that Athena takes.
const MAX_STATEMENT_BYTES: usize = 262_144 - MAX_UNLOAD_BYTES;

/// What comes around it: a destination is a key of S3's.
const MAX_UNLOAD_BYTES: usize = 2048;

/// What a result has and a report has not.
const OUR_OWN: [Column; 2] = [Column::Copies, Column::Lines];

/// Where a report's lines lie.
#[derive(Debug, Clone)]
pub struct TableOfReport<'t> {
    pub database: &'t str,
    /// With a column for each of [`COLUMNS`], and the partition key `folder`: see `infra/template.yaml`.
    pub table: &'t str,
    pub bucket: &'t str,
    /// Of the report's files, and of no other.
    pub keys: Vec<&'t str>,
    /// Names of the columns that the files have, as the manifest spells them.
    pub columns: &'t [String],
}

/// Why no statement can read a report.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    #[error("the manifest does not say which columns the report has")]
    NoColumns,
    #[error("the report has no column `{column}`; add it to the export's columns")]
    MissingColumn { column: &'static str },
    #[error("column `{column}` is a tag, and the table has tags in maps alone; deliver CUR 2.0")]
    TagColumn { column: String },
    #[error("the file `{key}` is not Parquet; only Parquet can be read by the columns' names")]
    NotParquet { key: String },
    #[error("the files lie in different folders, `{one}` and `{other}`")]
    Folders { one: String, other: String },
    #[error("the statement has {bytes} bytes, more than {MAX_STATEMENT_BYTES}; deliver fewer files")]
    TooLong { bytes: usize },
}

/// The statement, without what becomes of its result.
///
/// # Errors
/// Fails on a report of which a part would be lost.
pub fn roll_up_statement(of: &TableOfReport<'_>, tags: &TagKeys) -> Result<String, StatementError> {
    let columns = columns_of(of, tags)?;
    let statement = Statement { has: |column| columns[column as usize], tags }.write(of, folder_of(of)?);
    if statement.len() > MAX_STATEMENT_BYTES {
        return Err(StatementError::TooLong { bytes: statement.len() });
    }
    Ok(statement)
}

/// The statement that puts the result of `select` under `destination`, where nothing may lie yet.
pub fn unload(select: &str, destination: &str) -> String {
    format!("UNLOAD (\n{select}\n)\nTO {}\nWITH (format = 'PARQUET', compression = 'SNAPPY')", text(destination))
}

/// The columns of the table that [`roll_up_statement`] reads, with their types in Athena.
pub fn table_columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    let columns = COLUMNS.iter().filter(|(column, _, _)| !OUR_OWN.contains(column));
    columns.map(|(column, name, _)| {
        let data_type = match column.meaning() {
            Meaning::Text => "string",
            Meaning::Amount => "double",
            Meaning::Time => "timestamp",
            Meaning::Map => "map<string,string>",
        };
        (*name, data_type)
    })
}

fn columns_of(of: &TableOfReport<'_>, tags: &TagKeys) -> Result<Vec<bool>, StatementError> {
    if of.columns.is_empty() {
        return Err(StatementError::NoColumns);
    }
    let mut has = vec![false; COLUMNS.len()];
    for name in of.columns {
        match Column::of_name(name) {
            Some(column) => has[column as usize] = true,
            None if tags.of_name(name).is_some() => return Err(StatementError::TagColumn { column: name.clone() }),
            None => {}
        }
    }
    // A report of our own making would be counted twice over.
    for column in OUR_OWN {
        has[column as usize] = false;
    }
    match missing_required(|column| has[column as usize]) {
        Some(column) => Err(StatementError::MissingColumn { column: column.name() }),
        None => Ok(has),
    }
}

/// The one folder that all files lie in.
fn folder_of<'t>(of: &TableOfReport<'t>) -> Result<&'t str, StatementError> {
    let mut folder = None;
    for key in &of.keys {
        if !key.to_ascii_lowercase().ends_with(".parquet") {
            return Err(StatementError::NotParquet { key: (*key).to_owned() });
        }
        let this = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        let one = *folder.get_or_insert(this);
        if one != this {
            return Err(StatementError::Folders { one: one.to_owned(), other: this.to_owned() });
        }
    }
    Ok(folder.unwrap_or_default())
}

struct Statement<'t, H> {
    has: H,
    tags: &'t TagKeys,
}

impl<H: Fn(Column) -> bool> Statement<'_, H> {
    fn of_meaning(&self, meanings: &[Meaning]) -> Vec<Column> {
        let of = |column: &Column| meanings.contains(&column.meaning()) && (self.has)(*column);
        COLUMNS.iter().map(|(column, _, _)| *column).filter(of).collect()
    }

    /// From the lines outwards: `k` are keys, `a` amounts, `n` the whole numbers that they are, `r` those that are not added,
    /// `s` sums. Nested rather than named: what is unloaded begins with SELECT.
    fn write(&self, of: &TableOfReport<'_>, folder: &str) -> String {
        let keys = self.of_meaning(&[Meaning::Text, Meaning::Map]);
        let amounts = self.of_meaning(&[Meaning::Amount]);
        let numbered = |letter: &str, list: &[Column]| {
            (0..list.len()).map(|at| format!("{letter}{at}")).collect::<Vec<_>>().join(", ")
        };
        let each = |list: &[Column], write: &dyn Fn(usize, Column) -> String| {
            list.iter().enumerate().map(|(at, column)| write(at, *column)).collect::<Vec<_>>().join(",\n    ")
        };
        let lines = format!(
            "SELECT\n    {},\n    {},\n    {} AS started,\n    {} AS ended\n  FROM {}.{}\n  WHERE folder = {}\n    AND \"$path\" IN ({})",
            each(&keys, &|at, column| format!("{} AS k{at}", self.key(column))),
            each(&amounts, &|at, column| format!("{} AS a{at}", self.amount(column))),
            identifier(Column::UsageStart.name()),
            if (self.has)(Column::UsageEnd) {
                identifier(Column::UsageEnd.name())
            } else {
                "CAST(NULL AS TIMESTAMP)".into()
            },
            identifier(of.database),
            identifier(of.table),
            text(folder),
            of.keys.iter().map(|key| text(&format!("s3://{}/{key}", of.bucket))).collect::<Vec<_>>().join(",\n      "),
        );
        // Up to 25 hours, it counts on the day on which it began, and when it ended says how far usage is known.
        let whole = format!(
            "SELECT *,\n    {},\n    ended IS NULL OR date_diff('millisecond', started, ended) BETWEEN 0 AND 90000000 AS is_short\n  FROM (\n  {lines}\n  ) AS lines",
            each(&amounts, &|at, _| format!(
                "CASE WHEN abs(a{at}) < 1e5 THEN CAST(round(a{at} * 1e10) AS BIGINT) END AS n{at}"
            )),
        );
        let marked = format!(
            "SELECT *,\n    {} AS is_summed\n  FROM (\n  {whole}\n  ) AS whole",
            self.is_summed(&keys, &amounts)
        );
        let raw = each(&amounts, &|at, _| format!("CASE WHEN is_summed THEN NULL ELSE a{at} END AS r{at}"));
        let split = format!(
            "SELECT *,\n    {raw},\n    {} AS is_shared,\n    {} AS null_nets,\n    CASE WHEN is_short THEN date_trunc('day', started) ELSE started END AS from_when,\n    CASE WHEN is_short THEN NULL ELSE ended END AS to_when,\n    ended IS NULL AS is_open\n  FROM (\n  {marked}\n  ) AS marked",
            self.is_shared(&amounts),
            self.null_nets(&amounts),
        );
        let group = format!(
            "{}, {}, is_summed, is_shared, null_nets, is_short, is_open, from_when, to_when",
            numbered("k", &keys),
            numbered("r", &amounts)
        );
        let sums = each(&amounts, &|at, _| format!("sum(CASE WHEN is_summed THEN n{at} END) AS s{at}"));
        let rolled_up = format!(
            "SELECT {}, {}, is_summed,\n    max(started) AS started,\n    max(ended) AS ended,\n    count(*) AS line_count,\n    {sums}\n  FROM (\n  {split}\n  ) AS split\n  GROUP BY {group}",
            numbered("k", &keys),
            numbered("r", &amounts),
        );
        let named = |column: Column| identifier(column.name());
        let amount = |at: usize, column: Column| {
            format!(
                "CASE WHEN NOT is_summed THEN r{at} WHEN part = 0 THEN CAST(s{at} % {PART} AS DOUBLE) / 1e10 ELSE CAST(s{at} - s{at} % {PART} AS DOUBLE) / 1e10 END AS {}",
                named(column)
            )
        };
        let ended = if (self.has)(Column::UsageEnd) {
            format!("\n  ended AS {},", named(Column::UsageEnd))
        } else {
            String::new()
        };
        let large: Vec<String> = (0..amounts.len()).map(|at| format!("abs(s{at}) >= {PART}")).collect();
        format!(
            "SELECT\n    {},\n    {},\n  started AS {},{ended}\n  CASE WHEN is_summed THEN 1 ELSE line_count END AS {},\n  CASE WHEN part = 0 THEN line_count ELSE 0 END AS {}\nFROM (\n  {rolled_up}\n) AS rolled_up\nCROSS JOIN (VALUES (0), (1)) AS parts (part)\nWHERE part = 0 OR (is_summed AND ({}))",
            each(&keys, &|at, column| format!("k{at} AS {}", named(column))),
            each(&amounts, &amount),
            named(Column::UsageStart),
            named(Column::Copies),
            named(Column::Lines),
            large.join(" OR "),
        )
    }

    fn key(&self, column: Column) -> String {
        let name = identifier(column.name());
        match column {
            Column::ResourceTags | Column::Tags | Column::CostCategory => {
                let keys = any_of(self.tags.all().map(loose));
                format!(
                    "map_filter({name}, (k, v) -> regexp_like(lower(regexp_replace(k, '[^A-Za-z0-9]', '')), '({keys})$'))"
                )
            }
            Column::Product => format!("map_filter({name}, (k, v) -> k IN ('product_name', 'region'))"),
            Column::Description => Self::unless(&name, &["Refund"]),
            Column::ReservationArn => Self::unless(&name, &["Fee"]),
            Column::PricingUnit | Column::UnblendedRate | Column::OnDemandRate => self.of_evidence(&name),
            _ => name,
        }
    }

    fn amount(&self, column: Column) -> String {
        let name = identifier(column.name());
        if column == Column::UsageAmount { self.of_evidence(&name) } else { name }
    }

    /// The column, but for lines of types that are known not to need it.
    fn unless(column: &str, needed_by: &[&str]) -> String {
        let others: Vec<String> =
            Names::line_types().iter().filter(|name| !needed_by.contains(name)).map(|name| text(name)).collect();
        let line_type = identifier(Column::LineItemType.name());
        format!("CASE WHEN {line_type} IN ({}) THEN NULL ELSE {column} END", others.join(", "))
    }

    /// The column, where the usage type has the name of one of which evidence is kept.
    fn of_evidence(&self, column: &str) -> String {
        if !(self.has)(Column::UsageType) {
            return column.to_owned();
        }
        let kinds = any_of(WHOLE.iter().chain(&FAMILIES).map(|kind| (*kind).to_owned()));
        format!("CASE WHEN regexp_like({}, '{kinds}') THEN {column} END", identifier(Column::UsageType.name()))
    }

    /// Whether a line's amounts are whole numbers, and its cost is a plain sum of them.
    fn is_summed(&self, keys: &[Column], amounts: &[Column]) -> String {
        let mut conditions: Vec<String> =
            (0..amounts.len()).map(|at| format!("(a{at} IS NULL OR CAST(n{at} AS DOUBLE) / 1e10 = a{at})")).collect();
        let key = |of: Column| keys.iter().position(|column| *column == of).map(|at| format!("k{at}"));
        if let Some(line_type) = key(Column::LineItemType) {
            // What was not used of a commitment is scaled, line by line.
            conditions.push(format!("COALESCE({line_type} NOT LIKE '%SavingsPlanRecurringFee%', TRUE)"));
        }
        if let Some(operation) = key(Column::Operation) {
            // Whether a line costs nothing decides what it is.
            let costs = amounts.iter().enumerate().filter(|(_, column)| is_cost(**column));
            let zeros: Vec<String> = costs.map(|(at, _)| format!("COALESCE(a{at}, 0e0) = 0e0")).collect();
            conditions.push(format!(
                "(COALESCE({operation} NOT LIKE '%ECSTask-EC2%' AND {operation} NOT LIKE '%EKSPod-EC2%', TRUE) OR ({}))",
                zeros.join(" AND ")
            ));
        }
        format!("COALESCE({}, FALSE)", conditions.join("\n      AND "))
    }

    /// Shares that are none count for nothing, each by itself.
    fn is_shared(&self, amounts: &[Column]) -> String {
        let shares: Vec<String> = (amounts.iter().enumerate())
            .filter(|(_, column)| matches!(column, Column::SplitCost | Column::SplitUnused))
            .map(|(at, _)| format!("COALESCE(a{at}, 0e0)"))
            .collect();
        if shares.is_empty() { "FALSE".to_owned() } else { format!("{} > 0e0", shares.join(" + ")) }
    }

    /// A net amount that is null is not zero: `010` says which of them are.
    fn null_nets(&self, amounts: &[Column]) -> String {
        let nets = amounts.iter().enumerate().filter(|(_, column)| column.name().contains("_net_"));
        let nulls: Vec<String> = nets.map(|(at, _)| format!("CASE WHEN a{at} IS NULL THEN '1' ELSE '0' END")).collect();
        if nulls.is_empty() { "''".to_owned() } else { nulls.join(" || ") }
    }
}

/// Two of them are a decimal of 15 digits at most.
const PART: u64 = 100_000_000_000_000;

fn is_cost(column: Column) -> bool {
    !matches!(column, Column::UsageAmount | Column::SplitCost | Column::SplitUnused)
}

/// Keys are equal only if they are in this: letters and digits of ASCII, in lower case. Other engines fold no more than that alike.
fn loose(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn any_of(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join("|")
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as Athena writes it. There is no other escape than the doubled quote.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
#[path = "roll_up_statement_tests.rs"]
mod tests;
