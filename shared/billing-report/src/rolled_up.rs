//! Rows that stand for several lines, as [`crate::roll_up_statement`] makes them, and how many lines a file has.

use cost_model::{Amount, AmountError, Amounts};

use crate::columns::Column;
use crate::error::ReportError;
use crate::line_item::value_error;
use crate::parquet_file::footer;
use crate::report_file::ReportFile;
use crate::row::Row;

/// What a row counts for. In a report every row is one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Multiples {
    /// How often its amounts count.
    pub(crate) copies: u64,
    /// How many lines it stands for.
    pub(crate) lines: u64,
}

impl Multiples {
    /// # Errors
    /// Fails on a number that is none of lines.
    pub(crate) fn of(row: &impl Row) -> Result<Self, ReportError> {
        if !row.has(Column::Copies) {
            return Ok(Self { copies: 1, lines: 1 });
        }
        Ok(Self { copies: whole(row, Column::Copies)?, lines: whole(row, Column::Lines)? })
    }

    pub(crate) fn amount(self, row: &impl Row, amount: Amount) -> Result<Amount, ReportError> {
        if self.copies == 1 { Ok(amount) } else { amount.times(self.copies).map_err(sum_error(row)) }
    }

    pub(crate) fn amounts(self, row: &impl Row, amounts: Amounts) -> Result<Amounts, ReportError> {
        if self.copies == 1 { Ok(amounts) } else { amounts.times(self.copies).map_err(sum_error(row)) }
    }
}

fn sum_error(row: &impl Row) -> impl Fn(AmountError) -> ReportError {
    let row = row.number();
    move |source| ReportError::Sum { row, source }
}

/// One for null.
fn whole(row: &impl Row, column: Column) -> Result<u64, ReportError> {
    let Some(reading) = row.amount(column)? else { return Ok(1) };
    let text = reading.amount.to_string();
    // No day has more lines of one kind.
    let whole: Result<u32, _> = text.parse();
    whole.map(u64::from).map_err(|_| value_error(row, column, &text, "number of lines"))
}

/// How many rows a Parquet file has by its footer, which alone is read.
///
/// # Errors
/// Fails on a file that cannot be read, is not Parquet, or exceeds a limit.
pub fn rows_of(file: &impl ReportFile) -> Result<u64, ReportError> {
    let metadata = footer(file)?;
    Ok(u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crate::ReportError;
    use crate::test_sink::read_csv;

    fn of(copies: &str, lines: &str) -> String {
        let head = "line_item_line_item_type,line_item_usage_account_id,line_item_usage_start_date,line_item_product_code,\
            line_item_currency_code,line_item_unblended_cost,callboard_copies,callboard_lines";
        format!("{head}\nNovelty,1,2026-10-01,AmazonEC2,USD,0.1,{copies},{lines}\nTax,1,2026-10-01,x,USD,-7,,\n")
    }

    #[test]
    fn a_row_counts_as_often_as_it_says() {
        for (copies, lines, cost) in [("3", "3", "0.3"), ("1", "40", "0.1"), ("", "", "0.1"), ("1", "0", "0.1")] {
            let mut costs = Vec::new();
            let counts = read_csv(of(copies, lines).as_bytes(), |item| {
                costs.push(item.amounts.unblended.to_string());
                Ok(())
            });
            let (counts, lines) = (counts.unwrap(), lines.parse().unwrap_or(1));
            assert_eq!(costs, [cost, "-7"]);
            assert_eq!((counts.lines, counts.not_final), (lines + 1, lines + 1));
            assert_eq!(counts.unknown_types.get("Novelty"), Some(&lines));
        }
    }

    #[test]
    fn what_is_no_number_of_lines_is_refused() {
        for copies in ["-1", "0.5", "4294967296"] {
            let read = read_csv(of(copies, "1").as_bytes(), |_| Ok(()));
            assert!(matches!(read, Err(ReportError::Value { column: "callboard_copies", .. })), "{copies}: {read:?}");
        }
    }
}
