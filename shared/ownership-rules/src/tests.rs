//! Files -> rules, or what is wrong in them.

use catalog_model::{EnvironmentRule, Fact, Order, Pointer, Profile, Rules, Source, Step};

use crate::{Ownership, read};

fn rules(text: &str) -> Rules {
    read(text).unwrap().rules
}

fn wrong(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

const WHOLE: &str = r#"
owner: [declaration, parameter, stack, tags, component, account, path]
system: [declaration, [tags, parameter], component]
environment: [declaration, tags]
tags:
  owner: [owner, team, "cost:team"]
  component: [component, awsApplication]
  environment: stage
accounts:
  "*": {owner: nobody}
  "111122223333": {owner: group:default/shop, system:, environment: prod}
  "1111*": {owner: user:default/jo}
stacks:
  - {stack: "orders-*", component: orders}
paths:
  - {producer: "shop.*", owner: shop, system: store}
  - {producer: "*", name: "prod-*", environment: prod}
deployments:
  - {pipeline: "orders-*", stage: Gamma, environment: staging}
  - {account: "111122223333", environment: production}
annotations: [awslabs, roadie, core]
"#;

#[test]
fn a_whole_file_is_read() {
    let rules = rules(WHOLE);
    assert_eq!(rules.owner.0.len(), 7);
    let system = vec![vec![Step::Declaration], vec![Step::Tags, Step::Parameter], vec![Step::Component]];
    assert_eq!(rules.system, Order(system));
    assert_eq!(rules.tags.owner, ["owner", "team", "cost:team"]);
    assert_eq!((rules.tags.system, rules.tags.environment), (vec!["system".to_owned()], vec!["stage".to_owned()]));
    let accounts: Vec<&str> = rules.accounts.iter().map(|rule| rule.account.as_str()).collect();
    assert_eq!(accounts, ["111122223333", "1111*", "*"], "the exact one first, whatever the order of the file");
    assert_eq!(rules.accounts[0].answers.system, None);
    assert_eq!(rules.stacks[0].answers.component.as_ref().unwrap().to_string(), "component:default/orders");
    assert_eq!((rules.paths[0].name.as_str(), rules.paths.len()), ("*", 2));
    let shown = |rule: &EnvironmentRule| {
        let stage = rule.stage.as_ref().map_or("-", |stage| stage.as_str());
        format!("{} {} {stage} {}", rule.account, rule.pipeline, rule.environment)
    };
    let deployments: Vec<String> = rules.deployments.iter().map(shown).collect();
    assert_eq!(deployments, ["* orders-* gamma staging", "111122223333 * - production"]);
    assert_eq!(rules.annotations.into_iter().collect::<Vec<_>>(), [Profile::Awslabs, Profile::Roadie, Profile::Core]);
}

#[test]
fn an_empty_file_and_one_that_says_the_defaults_are_no_other_rules() {
    let written = "# the defaults\nowner: [declaration, parameter, component, stack, tags, account, path]\ntags: {owner: [owner, team]}\n";
    for text in ["", "# nothing yet\n", "{}", written] {
        assert_eq!(read(text).unwrap(), Ownership { rules: Rules::default(), notes: Vec::new() }, "{text}");
    }
}

#[test]
fn the_hash_follows_the_meaning_and_not_the_writing() {
    let commented = WHOLE.replace("accounts:", "# who pays\naccounts: # by id").replace("\"1111*\"", "'1111*'");
    assert_ne!(commented, WHOLE);
    assert_eq!(rules(WHOLE).hash(), rules(&commented).hash());
    for (from, to) in [("owner: nobody", "owner: somebody"), ("stack, tags", "tags, stack"), ("awsApplication", "app")]
    {
        assert_ne!(rules(WHOLE).hash(), rules(&WHOLE.replace(from, to)).hash(), "{from}");
    }
}

#[test]
fn what_is_wrong_is_told_with_line_path_and_what_to_do() {
    for (text, expected) in [
        (
            "ownr: [tags]",
            "line 1: `ownr` is unknown; known here are owner, system, environment, tags, accounts, stacks, paths, deployments, annotations",
        ),
        ("- a", "line 1: `the file` is no map; write `key: value` lines below it"),
        ("\nowner: tags", "line 2: `owner` is no list; write `[one, another]`, or lines that begin with `- `"),
        (
            "owner:\n  - declaration\n  - tag",
            "line 3: `owner[1]` is `tag`, and no step; steps are declaration, parameter, tags, component, stack, account, path",
        ),
        ("owner: [declaration, tags, declaration]", "line 1: `owner[2]` is `declaration` again; name each step once"),
        (
            "owner: [declaration, tags]",
            "line 1: `owner` leaves out `component`; say which steps go before what the component of a resource says, and which after",
        ),
        (
            "owner: [tags, component]",
            "line 1: `owner` leaves out `declaration`; what a catalog file says must have a place",
        ),
        (
            "owner: [declaration, [component, tags]]",
            "line 1: `owner` puts `component` and tags in one place; give each its own",
        ),
        (
            "environment: [declaration, component]",
            "line 1: `environment[1]` is `component`, and no step; steps are declaration, parameter, tags, stack, account, path",
        ),
        ("tags: {ownr: [a]}", "line 1: `tags.ownr` is unknown; known here are owner, system, component, environment"),
        ("tags:\n  owner: [7]", "line 2: `tags.owner[0]` is a number or a boolean; write it in quotes"),
        (
            "accounts:\n  \"1111\": {owner: a}",
            "line 2: `accounts.1111` is no account id; write 12 digits in quotes, or a pattern such as `\"*\"`",
        ),
        (
            "accounts:\n  \"*\":\n    owner: Jo Doe",
            "line 3: `accounts.\"*\".owner` is `Jo Doe`, and no group or user; write a name, or `group:default/<name>`",
        ),
        (
            "accounts: {\"*\": {owner: }}",
            "line 1: `accounts.\"*\"` says nothing; write one of owner, system, environment, component below it",
        ),
        (
            "accounts: {\"*\": {system: \"a b\"}}",
            "line 1: `accounts.\"*\".system` is `a b`, and no system; write its name, or `system:<namespace>/<name>`",
        ),
        ("stacks: [{component: a}]", "line 1: `stacks[0]` has no `stack`; write the pattern that it is for"),
        (
            "paths: [{producer: a, owner: component:x}]",
            "line 1: `paths[0].owner` is `component:x`, and no group or user; write a name, or `group:default/<name>`",
        ),
        (
            "paths: [{producer: \"a*********\", owner: x}]",
            "line 1: `paths[0].producer` is no pattern: a pattern has 1 to 256 characters, and at most 8 times `*`",
        ),
        ("deployments: [{stage: a}]", "line 1: `deployments[0]` has no `environment`; write the name of one"),
        (
            "deployments: [{environment: a}]",
            "line 1: `deployments[0]` is for everything; write one of account, pipeline, stage below it",
        ),
        (
            "deployments: [{stage: a, environment: \"a b\"}]",
            "line 1: `deployments[0].environment` is `a b`, and no environment; write letters and digits joined by `-`, `_` or `.`, at most 63",
        ),
        ("annotations: [aws]", "line 1: `annotations[0]` is `aws`, and no profile; profiles are awslabs, roadie, core"),
    ] {
        assert_eq!(wrong(text), expected, "{text}");
    }
    for text in ["owner: [tags", "owner: []\nowner: []", "a: &x [*x]"] {
        let told = wrong(text);
        assert!(told.starts_with("line ") && told.contains("YAML"), "{text}: {told}");
    }
    assert_eq!(wrong(&"#".repeat(crate::MAX_BYTES + 1)), "the file has 262145 bytes, and may have 262144");
    assert!(read(&"[".repeat(10_000)).is_err());
}

fn app_config(fields: &str) -> String {
    format!(
        "app: {{title: Portal}}\ncatalog:\n  providers:\n    awsConfig:\n      default:\n        filters: {{resourceTypes: [AWS::S3::Bucket]}}\n        transform:\n          fields: {fields}\n"
    )
}

#[test]
fn the_transforms_of_the_aws_plugin_are_taken_over() {
    let taken = rules(&app_config(
        "{spec: {owner: {tag: squad, value: ignored}, system: {value: shop}, component: {expression: \"$resource.tags[key='app'].value\"}, type: {value: thing}}, annotations: {accountId: {expression: $resource.accountId}, tier: {tag: tier}}}",
    ));
    assert_eq!(taken.tags.owner, ["squad"]);
    assert_eq!(taken.tags.component, ["app"]);
    assert!(taken.tags.system.is_empty(), "the value is set, whatever a tag says");
    assert_eq!((taken.accounts[0].account.as_str(), taken.accounts[0].answers.system.as_deref()), ("*", Some("shop")));
    assert_eq!(taken.fields[&Pointer::annotation("accountId")], Source::Fact(Fact::AccountId));
    assert_eq!(taken.fields[&Pointer::annotation("tier")], Source::Tag("tier".into()));
    assert_eq!(taken.fields[&Pointer::spec("type")], Source::Value("thing".into()));
    assert_eq!(taken.owner, Rules::default().owner);

    for text in [
        "providers: {awsConfig: {default: {transform: {fields: {spec: {owner: {tag: squad}}}}}}}",
        "catalog: {providers: {awsConfig: {transform: {fields: {spec: {owner: {tag: squad}}}}}}}",
        "awsConfig: {default: {transform: {spec: {owner: {tag: squad}}}}}",
        "catalog: {providers: {roadie: {ownerTag: squad}}}",
        "integrations: {aws: [{accountId: '1', ownerTag: squad}]}",
        "ownerTag: squad",
    ] {
        assert_eq!(rules(text).tags.owner, ["squad"], "{text}");
    }
    assert_eq!(rules("catalog: {providers: {roadie: {ownerTag: }}}").tags.owner, ["owner"]);
    let both = rules("ownerTag: squad\ncallboard:\n  tags: {system: [product]}\n");
    assert_eq!((both.tags.owner, both.tags.system), (vec!["squad".to_owned()], vec!["product".to_owned()]));
    let named = read(&app_config("{name: {tag: Name}}")).unwrap();
    assert_eq!(
        named.notes,
        [
            "line 8: `catalog.providers.awsConfig.default.transform.fields.name` has no effect: names are unique as they are"
        ]
    );
}

#[test]
fn what_cannot_be_taken_over_is_refused_by_name() {
    let owner = "catalog.providers.awsConfig.default.transform.fields.spec.owner";
    let advice = "which is not evaluated here; say it with `tag` or `value`, or by the rules of `accounts`, `stacks` and `paths` (docs/ownership.md)";
    for (text, expected) in [
        (
            app_config("{spec: {owner: {expression: \"$join([$resource.resourceName, $resource.accountId], '-')\"}}}"),
            format!("line 8: `{owner}.expression` is the JSONata expression `$join([$resource.resourceName, $resource...`, {advice}"),
        ),
        (
            app_config("{spec: {owner: {expression: $resource.accountId}}}"),
            format!("line 8: `{owner}.expression` is the JSONata expression `$resource.accountId`, {advice}"),
        ),
        (
            app_config("{spec: {owner: {value: \"${OWNER}\"}}}"),
            format!("line 8: `{owner}.value` has a placeholder, which is not filled in here; write the value"),
        ),
        (
            app_config("{spec: {owner: {tags: a}}}"),
            format!("line 8: `{owner}.tags` is unknown; known here are tag, value, expression"),
        ),
        (
            "ownerTag: a\nintegrations: {aws: [{ownerTag: b}]}".to_owned(),
            "line 2: `integrations.aws[0].ownerTag` names another tag than `ownerTag`; owners are found by one tag".to_owned(),
        ),
        (
            "catalog: {locations: []}".to_owned(),
            "line 1: `the file` is a Backstage configuration without `catalog.providers.awsConfig` and without `ownerTag`: there is nothing to take over".to_owned(),
        ),
    ] {
        assert_eq!(wrong(&text), expected, "{text}");
    }
    let two = "awsConfig:\n  a: {transform: {fields: {spec: {owner: {tag: a}}}}}\n  b: {transform: {fields: {spec: {owner: {tag: b}}}}}\n";
    assert_eq!(
        wrong(two),
        "line 3: `awsConfig.b` transforms otherwise than `awsConfig.a`; the rules are those of the whole catalog: make them one"
    );
}
