use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn parameters(text: &str) -> Parameters {
    Parameters::parse(text.split_whitespace().filter_map(|pair| pair.split_once('='))).unwrap()
}

fn refusal(api_type: ApiType, body: &str) -> String {
    let refusal = parse(api_type, "orders", body.as_bytes(), &Parameters::default()).unwrap_err().to_string();
    assert!(!refusal.contains("canary"), "{refusal}");
    refusal
}

fn openapi(body: &str) -> String {
    refusal(ApiType::Openapi, body)
}

const MINIMAL: &str = "openapi: 3.1.0\ninfo: {title: Orders, version: 1.0}\npaths: {}\n";

#[test]
fn an_api_has_the_name_of_its_export_and_holds_the_whole_text() {
    let text = "# kept\nopenapi: \"3.0.3\"\ninfo:\n  title: Orders\n  version: 1.10.0\n  description: |\n    All *orders*.\n  x: {title: no}\npaths:\n  /a:\n    get: {responses: {200: {$ref: 'https://example.com/x'}}}\n";
    let parsed = parse(
        ApiType::Openapi,
        "orders.v1",
        text.as_bytes(),
        &parameters("component=shop/orders system=shop environment=prod"),
    )
    .unwrap();
    assert_snapshot!(parsed, @r##"
    document 0 (line 1) api:default/orders.v1: accepted
    note: parameter `environment` has no effect: an API is in no account
    e#api:default/orders.v1 Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "API"
      /metadata/annotations/callboard.io~1definition-digest "sha256:90c9493a5ae3c6d004a8ca74ada7e2c7a50f50d21133d79feb5a225111fa8b78"
      /metadata/description "All *orders*."
      /metadata/name "orders.v1"
      /metadata/namespace "default"
      /metadata/title "Orders"
      /spec/definition "# kept\nopenapi: \"3.0.3\"\ninfo:\n  title: Orders\n  version: 1.10.0\n  description: |\n    All *orders*.\n  x: {title: no}\npaths:\n  /a:\n    get: {responses: {200: {$ref: 'https://example.com/x'}}}\n"
      /spec/system "shop"
      /spec/type "openapi"
      /spec/version "1.10.0"
      apiProvidedBy -> component:shop/orders
    e#component:shop/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "shop"
      /spec/system "shop"
    "##);
    assert_eq!(parsed.definitions.len(), 1);
    let Definition { digest, version, bytes, .. } = &parsed.definitions[0];
    assert_eq!((version.as_deref(), *bytes), (Some("1.10.0"), text.len()));
    assert!(digest.len() == 71 && parsed.to_string().contains(digest.as_str()));
}

#[test]
fn versions_are_texts_however_they_are_written() {
    for (text, expected) in [
        ("openapi: 3.1.0\ninfo: {title: A, version: 1.0}\npaths: {}\n", "1.0"),
        ("swagger: 2.0\ninfo: {title: 7, version: '1.10'}\npaths: {}\n", "1.10"),
        ("{\"openapi\": \"3.1.0\", \"info\": {\"title\": \"A\", \"version\": \"2\"}, \"webhooks\": {}}", "2"),
        ("{openapi: 3.1.0, info: {title: A, version: 3}, components: {}} # flow", "3"),
        ("\u{feff}openapi: 3.2.0\ninfo: {title: A, version: 4}\npaths: {}\n", "4"),
    ] {
        let parsed = parse(ApiType::Openapi, "a", text.as_bytes(), &Parameters::default()).unwrap();
        assert_eq!(parsed.definitions[0].version.as_deref(), Some(expected), "{text}");
        let RecordKey::Entity(_) = &parsed.statements[0].0 else { panic!("{text}") };
        let Said::Facts(facts) = &parsed.statements[0].1 else { panic!("{text}") };
        assert_eq!(facts.fields[&Pointer::spec("definition")], text);
    }
    let asyncapi = "asyncapi: 2.6.0\ninfo: {title: A, version: 1}\nchannels: {}\n";
    assert!(parse(ApiType::Asyncapi, "a", asyncapi.as_bytes(), &Parameters::default()).is_ok());
}

#[test]
fn what_is_missing_is_told_by_its_path() {
    assert_snapshot!(openapi("a: canary\n"), @r"this is some other document, not an OpenAPI definition; it has neither `openapi` nor `swagger`");
    assert_snapshot!(openapi("openapi: 4.0.0\ninfo: {}\n"), @r"the definition has format version 4.0.0, and only 3.x are read");
    assert_snapshot!(openapi("openapi: canary\ninfo: {}\n"), @r"the definition has format version (not a version), and only 3.x are read");
    assert_snapshot!(openapi("openapi: 3.0.0\n"), @r"the definition is wrong at `/info`: it must be an object");
    assert_snapshot!(openapi("openapi: 3.0.0\ninfo: [canary]\n"), @r"the definition is wrong at `/info`: it must be an object");
    assert_snapshot!(openapi("openapi: 3.0.0\ninfo: {version: 1}\n"), @r"the definition is wrong at `/info/title`: it must be a text");
    assert_snapshot!(openapi("openapi: 3.0.0\ninfo: {title: a}\n"), @r"the definition is wrong at `/info/version`: it must be a text");
    assert_snapshot!(openapi("openapi: 3.0.0\ninfo: {title: a, version: 1}\n"), @r"the definition is wrong at `/paths`: it is missing");
    assert_snapshot!(openapi("openapi: 3.1.0\ninfo: {title: a, version: 1}\n"), @r"the definition is wrong at `/paths`: it is missing, and so are `components` and `webhooks`");
    assert_snapshot!(openapi("asyncapi: 2.0.0\n"), @r"this is an AsyncAPI definition, not an OpenAPI definition; send it as format `asyncapi`");
    assert_snapshot!(refusal(ApiType::Asyncapi, MINIMAL), @r"this is an OpenAPI definition, not an AsyncAPI definition; send it as format `openapi`");
    assert_snapshot!(refusal(ApiType::Asyncapi, "asyncapi: 2.0.0\ninfo: {title: a, version: 1}\n"), @r"the definition is wrong at `/channels`: it is missing");
    assert_snapshot!(refusal(ApiType::Asyncapi, "asyncapi: 1.2.0\n"), @r"the definition has format version 1.2.0, and only 2.x and 3.x are read");
    let name = parse(ApiType::Openapi, "-orders", MINIMAL.as_bytes(), &Parameters::default()).unwrap_err();
    assert_snapshot!(name, @r"the export's name cannot be the name of an API: that has 1 to 63 characters of A-Z a-z 0-9 - _ . and begins and ends with a letter or digit");
}

#[test]
fn a_truncated_or_mistyped_definition_is_told_by_its_line() {
    assert_snapshot!(openapi(""), @r"the file has no document; to retire the export, delete it");
    assert_snapshot!(openapi("- canary\n"), @r"the file is not valid YAML: a value is of another type than is expected at line 1 column 1");
    assert_snapshot!(openapi("{\"openapi\": \"3.0.0\",\n \"info\": {\"title\": \"canary"), @r"the file is not valid JSON: EOF while parsing a string at line 2 column 26");
    assert_snapshot!(openapi("{\"openapi\": \"3.0.0\",\n \"info\" {\"title\": \"canary\"}}"), @r"the file is not valid JSON: expected `:` at line 2 column 9");
    assert_snapshot!(openapi(&format!("{MINIMAL}x: [canary\n")), @r"the file is not valid YAML: it cannot be read at line 4 column 4");
    assert_snapshot!(openapi(&format!("{MINIMAL}x:\n  - a: 'canary\n")), @r"the file is not valid YAML: it cannot be read at line 5 column 8");
    assert_snapshot!(openapi(&format!("{MINIMAL}paths: {{}}\n")), @r"the file is not valid YAML: a key is there twice at line 4 column 1");
    assert_snapshot!(openapi(&format!("{MINIMAL}x: {{a: 1, a: canary}}\n")), @r"the file is not valid YAML: a key is there twice at line 4 column 11");
    assert_snapshot!(openapi(&format!("{MINIMAL}x: *canary\n")), @r"the file is not valid YAML: an alias has no anchor at line 4 column 4");
    assert_snapshot!(openapi(&format!("{MINIMAL}---\n{MINIMAL}")), @r"the file is not valid YAML: it has more than one document at line 5 column 1");
    let not_utf8 = parse(ApiType::Openapi, "a", b"openapi: 3.0.0\nx: \xff\n", &Parameters::default()).unwrap_err();
    assert_snapshot!(not_utf8, @r"the file is not UTF-8: line 2 holds other bytes");
}

#[test]
fn floods_are_refused() {
    let mut bomb = format!("{MINIMAL}a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_snapshot!(openapi(&bomb), @r"the file is not valid YAML: it is nested too deep, or too large when its aliases are expanded at line 8 column 45");
    let deep = format!("{{\"openapi\": \"3.0.0\", \"x\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_snapshot!(openapi(&deep), @r"the file does not have the shape of an OpenAPI definition: nested too deep at line 1 column 126");
    assert_snapshot!(openapi(&format!("{MINIMAL}x: {}{}\n", "[".repeat(100_000), "]".repeat(100_000))), @r"the file is not valid YAML: it cannot be read at line 4 column 68");
    let block: String = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_snapshot!(openapi(&format!("{MINIMAL}{block}")), @r"the file is not valid YAML: it is nested too deep, or too large when its aliases are expanded at line 68 column 65");
    assert_snapshot!(openapi(&"x".repeat(MAX_DEFINITION_BYTES + 1)), @r"the export has 4500001 bytes, more than the 4500000 that this format may have");
}

#[test]
fn a_large_definition_is_read_in_both_spellings() {
    let mut yaml = MINIMAL.replace("paths: {}\n", "paths:\n");
    let mut json =
        "{\"openapi\": \"3.1.0\", \"info\": {\"title\": \"a\", \"version\": \"1\"}, \"paths\": {\"/\": {}".to_owned();
    for at in 0..3_000 {
        yaml.push_str(&format!(
            "  /orders/{at}:\n    get:\n      responses:\n        200: {{description: ok, x: 1.5}}\n"
        ));
        json.push_str(&format!(
            ",\n\"/orders/{at}\": {{\"get\": {{\"responses\": {{\"200\": {{\"description\": \"ok\"}}}}}}}}"
        ));
    }
    json.push_str("}}");
    for text in [yaml, json] {
        assert!(parse(ApiType::Openapi, "a", text.as_bytes(), &Parameters::default()).is_ok());
    }
}

proptest! {
    #[test]
    fn arbitrary_and_cut_definitions_never_panic(at in 0usize..200, text in "[\\[\\]{},:\"'0-9a-z!&*\n ]{0,12}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(ApiType::Openapi, "a", &body, &Parameters::default());
        let at = at.min(MINIMAL.len());
        for api_type in [ApiType::Openapi, ApiType::Asyncapi] {
            let _ = parse(api_type, "a", format!("{}{text}{}", &MINIMAL[..at], &MINIMAL[at..]).as_bytes(), &Parameters::default());
            let _ = parse(api_type, &text, &MINIMAL.as_bytes()[..at], &parameters("component=x"));
        }
    }
}
