//! Keys of tags and cost categories -> what they say, in all the spellings that reports have for one key.

use crate::columns::Column;

/// What a tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TagRole {
    Environment,
    Component,
    Owner,
    System,
}

impl TagRole {
    pub(crate) const COUNT: usize = 4;
}

/// Keys by what they say, the best first, in any case: those of the rules of ownership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagKeys {
    pub environment: Vec<String>,
    pub component: Vec<String>,
    pub owner: Vec<String>,
    pub system: Vec<String>,
}

/// How good a key is; the smallest counts. Cost categories stand behind tags.
pub(crate) type Rank = u8;

const OF_A_CATEGORY: Rank = 128;

impl Default for TagKeys {
    fn default() -> Self {
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        Self {
            environment: keys(&["environment", "env"]),
            component: keys(&["component"]),
            owner: keys(&["owner", "team"]),
            system: keys(&["system"]),
        }
    }
}

impl TagKeys {
    /// What a key of a map, or a column of a legacy report, says. One tag is `user_cost_center` in `resource_tags`,
    /// `resourceTags/cost-center` in `tags`, `resourceTags/user:Cost-Center` as a legacy column, and
    /// `resource_tags_user_cost_center` as one in Parquet. A cost category is `costCategory/Name` or `cost_category_name`.
    pub(crate) fn of_name(&self, name: &str) -> Option<(TagRole, Rank)> {
        let lower = normalised(name);
        for prefix in ["costcategory_", "cost_category_"] {
            if let Some(key) = lower.strip_prefix(prefix) {
                return self.role(key, OF_A_CATEGORY);
            }
        }
        let mut tag = lower.as_str();
        for prefix in ["resource_tags_", "resourcetags_"] {
            tag = tag.strip_prefix(prefix).unwrap_or(tag);
        }
        // What AWS sets itself is no tag of ours, nor is what an account or a user is tagged with.
        if ["aws_", "accounttag_", "userattribute_"].iter().any(|prefix| tag.starts_with(prefix)) {
            return None;
        }
        self.role(tag.strip_prefix("user_").unwrap_or(tag), 0)
    }

    /// A key of the map of cost categories.
    pub(crate) fn of_category(&self, key: &str) -> Option<(TagRole, Rank)> {
        self.role(&normalised(key), OF_A_CATEGORY)
    }

    /// Every key, whatever it says.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        [&self.environment, &self.component, &self.owner, &self.system].into_iter().flatten().map(String::as_str)
    }

    /// A key of one of the maps.
    pub(crate) fn of_map(&self, column: Column, key: &str) -> Option<(TagRole, Rank)> {
        if column == Column::CostCategory { self.of_category(key) } else { self.of_name(key) }
    }

    fn role(&self, key: &str, behind: Rank) -> Option<(TagRole, Rank)> {
        let lists = [
            (TagRole::Environment, &self.environment),
            (TagRole::Component, &self.component),
            (TagRole::Owner, &self.owner),
            (TagRole::System, &self.system),
        ];
        lists.into_iter().find_map(|(role, keys)| {
            let at = keys.iter().position(|known| normalised(known) == key)?;
            Some((role, behind + Rank::try_from(at).unwrap_or(Rank::MAX).min(OF_A_CATEGORY - 1)))
        })
    }
}

/// AWS writes tag keys in lower case, with `_` for what is no letter and no digit, wherever they are names of columns.
fn normalised(key: &str) -> String {
    key.trim().chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_all_its_spellings() {
        let mut keys = TagKeys::default();
        keys.owner.push("cost-center".to_owned());
        use TagRole::{Component, Environment, Owner};
        for (key, expected) in [
            ("user_environment", Some((Environment, 0))),
            ("resourceTags/user:Environment", Some((Environment, 0))),
            ("resourceTags/environment", Some((Environment, 0))),
            ("resource_tags_user_env", Some((Environment, 1))),
            ("resourceTags/user:ENV", Some((Environment, 1))),
            ("user_component", Some((Component, 0))),
            ("resourceTags/user:Cost-Center", Some((Owner, 2))),
            ("user_cost_center", Some((Owner, 2))),
            ("costCategory/Team", Some((Owner, 129))),
            ("cost_category_team", Some((Owner, 129))),
            ("aws_environment", None),
            ("user_environment_id", None),
            ("accountTag/environment", None),
            ("userAttribute/owner", None),
        ] {
            assert_eq!(keys.of_name(key), expected, "{key}");
        }
        assert_eq!(keys.of_category("Component"), Some((Component, 128)));
    }
}
