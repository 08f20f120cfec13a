//! Both doors of the function, on embedded DynamoDB and S3.

#[cfg(test)]
mod dropped;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod killed_process;
#[cfg(test)]
mod long;
#[cfg(test)]
mod long_replayed;
#[cfg(test)]
mod replayed;
#[cfg(test)]
mod replayed_between;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod states;
