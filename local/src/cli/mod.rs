//! What the command line asks for, and what the terminal gets to see.

pub(crate) mod dynamodb;
mod invoke;
pub(crate) mod load;
pub(crate) mod logging;
pub(crate) mod options;
pub(crate) mod ownership;
pub(crate) mod rebuild;
pub(crate) mod reconcile;
pub(crate) mod replay;
pub(crate) mod serve;
mod signals;
pub(crate) mod terminal;
mod tour;
