//! What a resource id that is no resource's stands for: the ARNs of Savings Plans and reservations.

use cost_model::Unallocated;

/// What a line counts as whose resource id is the ARN of a commitment. `None`: it is the id of a resource, or none.
pub(crate) fn commitment_of_resource(id: &str) -> Option<Unallocated> {
    if !id.starts_with("arn:") {
        return None;
    }
    let mut arn = id.splitn(6, ':');
    let (service, resource) = (arn.nth(2)?, arn.nth(2)?);
    let is_reservation = || ["reserved-", "ri:", "reservation"].iter().any(|kind| resource.starts_with(kind));
    match service {
        "savingsplans" => Some(Unallocated::SavingsPlanFee),
        "ec2" | "rds" | "elasticache" | "es" | "redshift" | "memorydb" | "dynamodb" if is_reservation() => {
            Some(Unallocated::ReservationFee)
        }
        _ => None,
    }
}
