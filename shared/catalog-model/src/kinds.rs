//! The kinds that are taken: how they are written, and what their `spec` must and may say.
//! Source: `@backstage/catalog-model`, the kind schemas; for `Template`, `@backstage/plugin-scaffolder-common`.

/// A kind and the fields of its `spec` that have a rule. Other fields may be anything.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    pub api_versions: &'static [&'static str],
    /// Required, and non-empty texts.
    pub required_texts: &'static [&'static str],
    /// Required, and lists of non-empty texts.
    pub required_lists: &'static [&'static str],
    /// Non-empty texts where present.
    pub optional_texts: &'static [&'static str],
    /// Lists of non-empty texts where present.
    pub optional_lists: &'static [&'static str],
}

const CORE: &[&str] = &["backstage.io/v1alpha1", "backstage.io/v1beta1"];

pub static KINDS: &[Kind] = &[
    Kind {
        name: "Component",
        api_versions: CORE,
        required_texts: &["type", "lifecycle", "owner"],
        required_lists: &[],
        optional_texts: &["system", "subcomponentOf"],
        optional_lists: &["providesApis", "consumesApis", "dependsOn", "dependencyOf"],
    },
    Kind {
        // `definition` too, unless the type has `remotes` in its place: see `envelope_rules`.
        name: "API",
        api_versions: CORE,
        required_texts: &["type", "lifecycle", "owner"],
        required_lists: &[],
        optional_texts: &["system"],
        optional_lists: &[],
    },
    Kind {
        name: "Resource",
        api_versions: CORE,
        required_texts: &["type", "owner"],
        required_lists: &[],
        optional_texts: &["system"],
        optional_lists: &["dependsOn", "dependencyOf"],
    },
    Kind {
        name: "System",
        api_versions: CORE,
        required_texts: &["owner"],
        required_lists: &[],
        optional_texts: &["domain", "type"],
        optional_lists: &[],
    },
    Kind {
        name: "Domain",
        api_versions: CORE,
        required_texts: &["owner"],
        required_lists: &[],
        optional_texts: &["subdomainOf", "type"],
        optional_lists: &[],
    },
    Kind {
        name: "Group",
        api_versions: CORE,
        required_texts: &["type"],
        required_lists: &["children"],
        optional_texts: &["parent"],
        optional_lists: &["members"],
    },
    Kind {
        name: "User",
        api_versions: CORE,
        required_texts: &[],
        required_lists: &["memberOf"],
        optional_texts: &[],
        optional_lists: &[],
    },
    Kind {
        name: "Location",
        api_versions: CORE,
        required_texts: &[],
        required_lists: &[],
        optional_texts: &["type", "target"],
        optional_lists: &["targets"],
    },
    Kind {
        name: "AiResource",
        api_versions: &["backstage.io/v1alpha1"],
        required_texts: &["type", "lifecycle", "owner"],
        required_lists: &[],
        optional_texts: &["system"],
        optional_lists: &["dependsOn"],
    },
    Kind {
        // `steps` too: see `envelope_rules`.
        name: "Template",
        api_versions: &["scaffolder.backstage.io/v1beta3"],
        required_texts: &["type"],
        required_lists: &[],
        optional_texts: &["owner"],
        optional_lists: &[],
    },
];

/// The built-in kind of that name, whatever its case.
pub fn built_in(kind: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|known| known.name.eq_ignore_ascii_case(kind))
}

/// A kind as Backstage writes it: `api` is `API`. Kinds that are not built in get a capital first letter.
pub fn display(kind: &str) -> String {
    if let Some(known) = built_in(kind) {
        return known.name.to_owned();
    }
    let mut chars = kind.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

/// Text fields that the `spec` of this kind must have. Empty for kinds that are not built in.
pub fn required_texts(kind: &str) -> &'static [&'static str] {
    built_in(kind).map_or(&[], |known| known.required_texts)
}
