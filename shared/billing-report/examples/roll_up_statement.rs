//! The Parquet files of one folder -> the statement that has Athena roll them up.
//!
//! `cargo run -p billing-report --example roll_up_statement -- BUCKETS BUCKET/FOLDER`: a folder that holds buckets as folders, and the
//! report's in it. `tests/engines/athena.py` runs the statement on them.

#![expect(clippy::print_stdout, reason = "an example prints what it made")]

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

use billing_report::{TableOfReport, TagKeys, roll_up_statement, unload};
use parquet::file::reader::{FileReader, SerializedFileReader};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [buckets, path] = &arguments[..] else {
        println!("usage: roll_up_statement BUCKETS BUCKET/FOLDER");
        return Ok(());
    };
    let (bucket, folder) = path.split_once('/').ok_or("the report is in no folder of a bucket")?;
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(Path::new(buckets).join(path))? {
        names.push(entry?.file_name().into_string().map_err(|_| "a file's name is no text")?);
    }
    names.retain(|name| name.ends_with(".parquet"));
    names.sort();
    let first = Path::new(buckets).join(path).join(names.first().ok_or("there is no Parquet file")?);
    let first = SerializedFileReader::new(File::open(first)?)?;
    let fields = first.metadata().file_metadata().schema_descr().root_schema().get_fields();
    let columns: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    let keys: Vec<String> = names.iter().map(|name| format!("{folder}/{name}")).collect();
    let keys = keys.iter().map(String::as_str).collect();
    let table = TableOfReport { database: "callboard", table: "reports", bucket, keys, columns: &columns };
    let select = roll_up_statement(&table, &TagKeys::default())?;
    println!("{}", unload(&select, "s3://results/rows/"));
    Ok(())
}
