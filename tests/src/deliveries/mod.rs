//! A company -> its deliveries, exactly as AWS hands them to each function, and the objects that lie in its buckets.

pub mod aws;
pub mod config;
pub mod config_types;
pub mod exports;
pub mod report;

use serde_json::Value;

use crate::company::Company;

/// One invocation of a function, as a file of `events/<function>/`.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub function: &'static str,
    /// File name without its number.
    pub name: String,
    pub payload: Value,
}

/// An object that lies in a bucket before the deliveries begin.
#[derive(Debug, Clone)]
pub struct StoredObject {
    pub bucket: &'static str,
    pub key: String,
    pub bytes: Vec<u8>,
    /// User metadata, without the `x-amz-meta-` prefix.
    pub metadata: Vec<(&'static str, String)>,
}

/// A whole plot.
#[derive(Debug, Clone)]
pub struct Plot {
    pub objects: Vec<StoredObject>,
    pub deliveries: Vec<Delivery>,
}

impl Plot {
    pub fn of(company: &Company) -> Self {
        let mut plot = Self { objects: Vec::new(), deliveries: Vec::new() };
        exports::people_and_components(company, &mut plot);
        config::first_items(company, &mut plot);
        exports::infrastructure(company, &mut plot);
        config::later_items(company, &mut plot);
        report::month(company, &mut plot);
        config::rules_and_files(company, &mut plot);
        plot
    }

    fn deliver(&mut self, function: &'static str, name: &str, payload: Value) {
        self.deliveries.push(Delivery { function, name: name.to_owned(), payload });
    }
}

/// The first delivery of the company's plot for a function.
///
/// # Panics
/// Panics on a function that has none.
pub fn first_of(company: &Company, function: &str) -> Value {
    let mut deliveries = Plot::of(company).deliveries.into_iter();
    deliveries.find(|delivery| delivery.function == function).expect("the plot has one for each function").payload
}
