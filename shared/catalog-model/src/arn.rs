//! `arn:partition:service:region:account:resource` -> its six parts. The last one keeps every `:` and `/` in it.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>

use std::fmt;

/// An ARN, split. Region and account may be empty; partition, service and resource are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// `None`: the text is no ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next() != Some("arn") {
            return None;
        }
        let (partition, service, region, account) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let resource = parts.next()?;
        let is_complete = !partition.is_empty() && !service.is_empty() && !resource.is_empty();
        is_complete.then_some(Self { partition, service, region, account, resource })
    }
}

impl fmt::Display for Arn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_resource_keeps_its_colons_and_slashes() {
        let arn =
            Arn::parse("arn:aws-cn:autoscaling:cn-north-1:111122223333:autoScalingGroup:7f-1:autoScalingGroupName/a/b")
                .unwrap();
        assert_eq!((arn.partition, arn.account), ("aws-cn", "111122223333"));
        assert_eq!(arn.resource, "autoScalingGroup:7f-1:autoScalingGroupName/a/b");
        let bucket = Arn::parse("arn:aws:s3:::orders").unwrap();
        assert_eq!((bucket.region, bucket.account, bucket.resource), ("", "", "orders"));
    }

    #[test]
    fn what_lacks_a_part_is_no_arn() {
        for text in
            ["", "arn", "orders", "arn:aws:s3", "arn:aws:s3:::", "arn::s3:::orders", "arn:aws::::x", "ARN:aws:s3:::x"]
        {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_arn_reads_back(text in "arn:[a-z-]{1,6}:[a-z0-9-]{1,6}:[a-z0-9-]{0,6}:[0-9]{0,12}:[ -~é]{1,20}") {
            prop_assert_eq!(Arn::parse(&text).unwrap().to_string(), text);
        }
    }
}
