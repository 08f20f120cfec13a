//! Reports through the handler, on the embedded DynamoDB and S3.

#[cfg(test)]
mod athena;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lasting;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod readers;
#[cfg(test)]
mod replaced;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod world;
