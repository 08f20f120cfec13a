use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn read(text: &str) -> ParsedExport {
    parse(text.as_bytes(), &Parameters::default()).unwrap()
}

fn refusal(body: &[u8]) -> String {
    parse(body, &Parameters::default()).unwrap_err().to_string()
}

const ORDERS: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: orders}\nspec: {type: service, lifecycle: production, owner: team-a}\n";

#[test]
fn one_bad_document_never_loses_the_good_ones() {
    let text = format!(
        "# a file\n---\n{ORDERS}---\n# nothing\n---\napiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{name: orders-api}}\nspec: {{type: openapi}}\n---\n{}",
        ORDERS.replace("orders", "billing")
    );
    assert_snapshot!(read(&text), @r#"
    document 0 (line 3) component:default/orders: accepted
    document 1 (line 10) api:default/orders-api: refused, /spec must have required property 'lifecycle' - missingProperty: lifecycle; /spec must have required property 'owner' - missingProperty: owner; /spec must have required property 'definition' - missingProperty: definition
    document 2 (line 15) component:default/billing: accepted
    e#component:default/orders Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
      /spec/lifecycle "production"
      /spec/owner "team-a"
      /spec/type "service"
      key component:default/orders
    e#component:default/billing Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "billing"
      /metadata/namespace "default"
      /spec/lifecycle "production"
      /spec/owner "team-a"
      /spec/type "service"
      key component:default/billing
    incomplete: nothing is deleted by omission
    "#);
}

#[test]
fn a_refused_document_makes_the_file_incomplete() {
    for broken in [
        "a: [1\n",
        "- a list\n",
        "kind: Component\nmetadata: {name: 'not a name'}\n",
        "kind: Component\n",
        "kind: Resource\nmetadata: {name: x, annotations: {aws.amazon.com/arn: nonsense}}\n",
    ] {
        let parsed = read(&format!("{ORDERS}---\n{broken}"));
        assert!(!parsed.complete, "{broken}");
        assert_eq!((parsed.statements.len(), parsed.documents.len()), (1, 2), "{broken}");
    }
}

#[test]
fn syntax_errors_tell_the_line_of_the_file() {
    let parsed =
        read(&format!("{ORDERS}---\nkind: Component\nmetadata: {{name: x\n---\n{}", ORDERS.replace("orders", "b")));
    assert_snapshot!(parsed.documents[1], @r"document 1 (line 6): refused, unclosed bracket '{' at line 7 column 11");
    assert!(parsed.documents[2].is_accepted());
}

#[test]
fn a_second_document_for_the_same_entity_is_refused() {
    let resource = |name: &str| {
        format!(
            "---\napiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata:\n  name: {name}\n  annotations: {{aws.amazon.com/arn: 'arn:aws:s3:::orders'}}\nspec: {{type: s3-bucket, owner: team-a}}\n"
        )
    };
    assert_snapshot!(read(&format!("{ORDERS}---\n{ORDERS}{}{}", resource("bucket"), resource("better"))), @r#"
    document 0 (line 1) component:default/orders: accepted
    document 1 (line 6) component:default/orders: refused, component:default/orders is declared by the document at line 1 already
    document 2 (line 11) arn:aws:s3:::orders: accepted
    document 3 (line 18) arn:aws:s3:::orders: refused, resource:default/better is declared by the document at line 11 already
    e#component:default/orders Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
      /spec/lifecycle "production"
      /spec/owner "team-a"
      /spec/type "service"
      key component:default/orders
    a#resource:default/bucket is arn:aws:s3:::orders, by its ARN
    e#arn:aws:s3:::orders Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:s3:::orders"
      /metadata/name "bucket"
      /metadata/namespace "default"
      /spec/owner "team-a"
      /spec/type "s3-bucket"
      key resource:default/bucket
    incomplete: nothing is deleted by omission
    "#);
}

#[test]
fn placeholders_are_left_out_and_said_so() {
    let api = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: x}\nspec: {type: openapi, lifecycle: production, owner: a, definition: {$text: 'http://169.254.169.254/'}}\n";
    let parsed = read(api);
    assert_snapshot!(parsed.documents[0], @r"document 0 (line 1) api:default/x: accepted, /spec/definition is left out: `$text` is not fetched");
    assert!(!parsed.to_string().contains("169.254"));
}

#[test]
fn a_file_without_a_usable_document_is_refused_whole() {
    assert_snapshot!(refusal(b""), @r"the file has no document; to retire the export, delete it");
    assert_snapshot!(refusal(b"# nothing\n---\n~\n"), @r"the file has no document; to retire the export, delete it");
    assert_snapshot!(refusal(b"kind: Component\nmetadata: {name: a b}\n"), @r#"no document of the file is usable: document 0 (line 1): refused, <root> must have required property 'apiVersion' - missingProperty: apiVersion; "metadata.name" is not valid; expected a string that is sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total but found "a b". To learn more about catalog file format, visit: https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md"#);
    assert_snapshot!(refusal(b"kind: ok\n\xff"), @r"the file is not UTF-8: line 2 holds other bytes");
    assert_snapshot!(refusal("---\na: [\n".repeat(7).as_bytes()), @r"no document of the file is usable: document 0 (line 2): refused, unclosed bracket '[' at line 2 column 4; document 1 (line 4): refused, unclosed bracket '[' at line 4 column 4; document 2 (line 6): refused, unclosed bracket '[' at line 6 column 4; document 3 (line 8): refused, unclosed bracket '[' at line 8 column 4; document 4 (line 10): refused, unclosed bracket '[' at line 10 column 4; and 2 more");
    assert_snapshot!(refusal(&vec![b'#'; MAX_CATALOG_INFO_BYTES + 1]), @r"the export has 4500001 bytes, more than the 4500000 that this format may have");
    assert_snapshot!(refusal("---\na: 1\n".repeat(MAX_DOCUMENTS + 1).as_bytes()), @r"the file has more than 20000 documents; split it");
}

#[test]
fn json_is_read_as_well() {
    let text = r#"{"apiVersion":"backstage.io/v1alpha1","kind":"System","metadata":{"name":"shop"},"spec":{"owner":"team-a"}}"#;
    assert_snapshot!(read(text), @r#"
    document 0 (line 1) system:default/shop: accepted
    e#system:default/shop Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "System"
      /metadata/name "shop"
      /metadata/namespace "default"
      /spec/owner "team-a"
      key system:default/shop
    "#);
}

#[test]
fn parameters_that_the_file_says_itself_are_noted() {
    let parameters = Parameters::parse([("component", "orders"), ("serial", "1")]).unwrap();
    let parsed = parse(ORDERS.as_bytes(), &parameters).unwrap();
    assert_eq!(parsed.notes, ["parameter `component` has no effect: the file itself says it for each entity"]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&body, &Parameters::default());
    }

    #[test]
    fn broken_yaml_never_panics(at in 0usize..400, text in "[-\\n :{}\\[\\]&*!|>'\"%#a]{0,12}") {
        let whole = format!("{ORDERS}---\n{ORDERS}");
        let at = at.min(whole.len());
        let body = format!("{}{text}{}", &whole[..at], &whole[at..]);
        if let Ok(parsed) = parse(body.as_bytes(), &Parameters::default()) {
            prop_assert!(!parsed.statements.is_empty());
        }
    }
}
