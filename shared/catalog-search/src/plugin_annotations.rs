//! A component and what it depends on -> the annotations by which AWS's plugins find its pipelines, builds, services and
//! images: <https://github.com/awslabs/backstage-plugins-for-aws>.
//!
//! They follow from other records and are no rows: an entity shows them, no filter finds them.

use catalog_model::{Stitched, resource_types};

use crate::catalog::Catalog;
use crate::segment::base::NotLoaded;

/// One plugin: the type of resource that it shows, the key that names one by its ARN, and the other keys that name some. A
/// plugin takes exactly one of them.
struct Plugin {
    aws_type: &'static str,
    arn_key: &'static str,
    other_keys: &'static [&'static str],
}

const PLUGINS: &[Plugin] = &[
    Plugin {
        aws_type: "AWS::CodePipeline::Pipeline",
        arn_key: "aws.amazon.com/aws-codepipeline-arn",
        other_keys: &["aws.amazon.com/aws-codepipeline-tags", "aws.amazon.com/aws-codepipeline"],
    },
    Plugin {
        aws_type: "AWS::CodeBuild::Project",
        arn_key: "aws.amazon.com/aws-codebuild-project-arn",
        other_keys: &["aws.amazon.com/aws-codebuild-project-tags", "aws.amazon.com/aws-codebuild-project"],
    },
    Plugin {
        aws_type: "AWS::ECS::Service",
        arn_key: "aws.amazon.com/amazon-ecs-service-arn",
        other_keys: &["aws.amazon.com/amazon-ecs-service-tags"],
    },
    Plugin {
        aws_type: "AWS::ECR::Repository",
        arn_key: "aws.amazon.com/amazon-ecr-arn",
        other_keys: &["aws.amazon.com/amazon-ecr-tags"],
    },
];

/// An annotation of a component that follows from a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginAnnotation {
    pub key: &'static str,
    pub arn: String,
}

impl PluginAnnotation {
    /// The rule as `explain` names it.
    pub fn rule(&self) -> &'static str {
        "the first by ARN of what the component depends on"
    }
}

/// At most one for each plugin, and none where the component's own record has a key of that plugin. Of several resources of
/// a type it is the first by ARN: a plugin takes one, or tags that all of them would have to bear.
///
/// Empty for whatever is no component, and where the rules leave AWS's annotations out.
///
/// # Errors
/// Fails while blocks are missing.
pub fn plugin_annotations(stitched: &Stitched, catalog: &Catalog) -> Result<Vec<PluginAnnotation>, NotLoaded> {
    if !stitched.is_annotated_for_plugins {
        return Ok(Vec::new());
    }
    let related = catalog.related(&stitched.identity, &["dependsOn"])?;
    let mut arns: Vec<(&str, &'static str)> = related
        .values()
        .filter_map(|identity| identity.arn())
        .filter_map(|arn| Some((arn, resource_types::of_arn(arn)?)))
        .collect();
    arns.sort_unstable();
    let has = |key: &&str| stitched.annotation(key).is_some();
    let plugins = PLUGINS.iter().filter(|plugin| !has(&plugin.arn_key) && !plugin.other_keys.iter().any(has));
    let first = plugins.filter_map(|plugin| {
        let (arn, _) = arns.iter().find(|(_, aws_type)| *aws_type == plugin.aws_type)?;
        Some(PluginAnnotation { key: plugin.arn_key, arn: (*arn).to_owned() })
    });
    Ok(first.collect())
}
