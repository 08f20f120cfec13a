use super::*;

fn columns() -> Vec<String> {
    table_columns().map(|(name, _)| name.to_owned()).collect()
}

fn table<'t>(keys: &[&'t str], columns: &'t [String]) -> TableOfReport<'t> {
    TableOfReport { database: "d", table: "t", bucket: "reports", keys: keys.to_vec(), columns }
}

fn written(of: &TableOfReport<'_>) -> Result<String, StatementError> {
    roll_up_statement(of, &TagKeys::default())
}

#[test]
fn names_and_keys_cannot_leave_their_quotes() {
    let columns = columns();
    let mut of = table(&["o'neill/a\"b.parquet"], &columns);
    (of.database, of.table) = ("d\"; DROP", "t\"\"x");
    let statement = unload(&written(&of).unwrap(), "s3://results/it's/");
    for part in [
        "FROM \"d\"\"; DROP\".\"t\"\"\"\"x\"",
        "folder = 'o''neill'",
        "\"$path\" IN ('s3://reports/o''neill/a\"b.parquet')",
        "TO 's3://results/it''s/'",
    ] {
        assert!(statement.contains(part), "{part} is not in\n{statement}");
    }
    let owner = vec!["it's (a|b) 'owner'".to_owned(), "\u{6240}\u{6709}".to_owned()];
    let keys = TagKeys { owner, ..TagKeys::default() };
    let statement = roll_up_statement(&of, &keys).unwrap();
    assert!(statement.contains("'(environment|env|component|itsabowner||system)$'"), "{statement}");
}

#[test]
fn only_the_columns_that_the_report_has_are_asked_for() {
    let required = COLUMNS.iter().filter(|(_, _, need)| *need == crate::Requirement::Required);
    // As a legacy manifest has them.
    let mut columns: Vec<String> = required.map(|(_, name, _)| (*name).to_owned()).collect();
    columns.extend(["lineItem/NetUnblendedCost", "identity_line_item_id", "callboard_copies"].map(str::to_owned));
    let statement = written(&table(&["a/b.parquet"], &columns)).unwrap();
    for (column, name, _) in COLUMNS {
        let is_asked = columns.iter().any(|has| Column::of_name(has) == Some(*column)) || OUR_OWN.contains(column);
        assert_eq!(statement.contains(&format!("\"{name}\"")), is_asked, "{name}");
    }
}

#[test]
fn what_a_statement_cannot_read_whole_is_refused() {
    let all = columns();
    let long: Vec<String> =
        (0..4000).map(|at| format!("billing/acme/data/BILLING_PERIOD=2026-10/{at}.snappy.parquet")).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    assert!(matches!(written(&table(&long, &all)), Err(StatementError::TooLong { .. })));
    let folders = StatementError::Folders { one: "a".into(), other: "a/b".into() };
    assert_eq!(written(&table(&["a/1.parquet", "a/b/2.parquet"], &all)), Err(folders));
    let csv = StatementError::NotParquet { key: "a/2.csv.gz".into() };
    assert_eq!(written(&table(&["a/1.parquet", "a/2.csv.gz"], &all)), Err(csv));
    let missing = StatementError::MissingColumn { column: "line_item_line_item_type" };
    assert_eq!(written(&table(&["a/1.parquet"], &all[1..])), Err(missing));
    assert_eq!(written(&table(&["a/1.parquet"], &[])), Err(StatementError::NoColumns));
    let tagged = [&all[..], &["resourceTags/user:Component".to_owned()]].concat();
    let tag = StatementError::TagColumn { column: "resourceTags/user:Component".into() };
    assert_eq!(written(&table(&["a/1.parquet"], &tagged)), Err(tag));
}
