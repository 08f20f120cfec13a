//! Writes `events/` anew from the plot of the sample company. Run it after changing the plot.

use std::process::ExitCode;

use callboard_tests::checkout::root;
use callboard_tests::company::Company;
use callboard_tests::deliveries::Plot;
use callboard_tests::files::write;

fn main() -> ExitCode {
    match write(&Plot::of(&Company::theatre()), &root().join("events")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "could not write events/");
            ExitCode::FAILURE
        }
    }
}
