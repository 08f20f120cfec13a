//! What is made of what AWS Config says, in all its dialects.

#[cfg(test)]
mod compliance;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod names;
#[cfg(test)]
mod relations;
#[cfg(test)]
mod samples;
