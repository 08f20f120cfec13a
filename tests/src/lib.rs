//! Whole-flow, redelivery, convergence, conformance, template and layering tests, and the company that they play with.

pub mod between;
pub mod checkout;
pub mod company;
pub mod deliveries;
pub mod files;
pub mod indexing;
pub mod running;
pub mod runtime_api;
pub mod template;
