use super::*;

const CUR2_KEY: &str = "billing/acme/metadata/BILLING_PERIOD=2026-10/acme-Manifest.json";

fn cur2(files: &[&str]) -> Vec<u8> {
    let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
    serde_json::json!({
        "executionId": "8c5a76cc-57d0-437d-851b-064e27aa8b06",
        "exportArn": "arn:aws:bcm-data-exports:us-east-1:111122223333:export/acme-1",
        "columns": [{"name": "product", "type": "map"}],
        "dataFiles": files,
    })
    .to_string()
    .into_bytes()
}

fn parse(key: &str, files: &[&str]) -> Result<Manifest, ManifestError> {
    Manifest::parse("reports", key, &cur2(files))
}

#[test]
fn a_cur_2_manifest_names_its_files_by_uri_and_its_month_by_key() {
    let created =
        "s3://reports/billing/acme/data/BILLING_PERIOD=2026-10/2026-10-28T13:14:37.728Z-8c5a76cc/acme-00001.csv.gz";
    let manifest = parse(CUR2_KEY, &[created, "s3://reports/billing/acme/data/x.snappy.parquet"]).unwrap();
    assert_eq!(manifest.export, "billing/acme");
    assert_eq!(manifest.name, "arn:aws:bcm-data-exports:us-east-1:111122223333:export/acme-1");
    assert_eq!(manifest.month.to_string(), "2026-10");
    assert_eq!(manifest.execution, "8c5a76cc-57d0-437d-851b-064e27aa8b06");
    assert_eq!(manifest.files[0].key, &created["s3://reports/".len()..]);
    assert_eq!(manifest.columns, ["product"]);
    assert_eq!(
        manifest.files.iter().map(|file| file.format).collect::<Vec<_>>(),
        [FileFormat::Csv, FileFormat::Parquet]
    );
}

#[test]
fn a_legacy_manifest_names_its_files_by_key_and_its_month_itself() {
    let body = serde_json::json!({
        "assemblyId": "ea74f90b", "account": "111122223333", "reportName": "daily", "bucket": "elsewhere",
        "billingPeriod": {"start": "20170701T000000.000Z", "end": "20170801T000000.000Z"},
        "reportKeys": ["b/daily/20170701-20170801/ea74f90b/daily-1.csv.gz"],
        "columns": [{"category": "lineItem", "name": "UnblendedCost"}, {"category": "bill"}],
        "additionalArtifactKeys": [{"artifactType": "RedshiftCommands", "name": "b/x.sql"}],
    });
    let body = body.to_string();
    for key in
        ["b/daily/20170701-20170801/ea74f90b/daily-Manifest.json", "b/daily/20170701-20170801/daily-Manifest.json"]
    {
        let manifest = Manifest::parse("reports", key, body.as_bytes()).unwrap();
        assert_eq!((manifest.export.as_str(), manifest.name.as_str()), ("b/daily", "daily"));
        assert_eq!(manifest.columns, ["lineItem/UnblendedCost"]);
        assert_eq!((manifest.month.to_string().as_str(), manifest.execution.as_str()), ("2017-07", "ea74f90b"));
    }
    let error =
        Manifest::parse("reports", "b/daily/20170801-20170901/daily-Manifest.json", body.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "the manifest is for 2017-07, but its key says 2017-08");
}

#[test]
fn the_month_is_found_in_every_layout() {
    for (key, month) in [
        ("a/metadata/billing_period=2026-02/a-Manifest.json", Some("2026-02")),
        ("a/a/year=2022/month=9/a-Manifest.json", Some("2022-09")),
        ("a/20260201-20260301/a-Manifest.json", Some("2026-02")),
        ("a/BILLING_PERIOD=2026-13/a-Manifest.json", None),
        ("a/2026-02/a-Manifest.json", None),
        ("Manifest.json", None),
    ] {
        assert_eq!(month_of_key(key).map(|month| month.to_string()).as_deref(), month, "{key}");
    }
    let by_file = parse("acme-Manifest.json", &["s3://reports/data/BILLING_PERIOD=2026-03/a.parquet"]).unwrap();
    assert_eq!((by_file.month.to_string().as_str(), by_file.export.as_str()), ("2026-03", "acme"));
}

#[test]
fn a_manifest_that_cannot_be_followed_says_why() {
    for (key, files, expected) in [
        (CUR2_KEY, vec![], "the manifest names no files"),
        (
            CUR2_KEY,
            vec!["s3://other/a.parquet"],
            "the manifest names `s3://other/a.parquet`, which is not in its own bucket `reports`",
        ),
        (
            CUR2_KEY,
            vec!["s3://reports/a.rar"],
            "the manifest names `a.rar`; only .parquet, .csv, .csv.gz and .zip can be read",
        ),
        (
            "x/a-Manifest.json",
            vec!["a.parquet"],
            "neither the manifest nor its key `x/a-Manifest.json` says which month it is for",
        ),
    ] {
        assert_eq!(parse(key, &files).unwrap_err().to_string(), expected);
    }
    let many = vec!["a.parquet"; MAX_FILES + 1];
    assert!(matches!(parse(CUR2_KEY, &many), Err(ManifestError::TooManyFiles(_))));
    for (body, expected) in [
        ("{}", "the manifest has neither `dataFiles` nor `reportKeys`: it is not that of a cost report"),
        ("[", "the manifest is not JSON of the form that AWS writes"),
        (r#"{"dataFiles": [1]}"#, "the manifest is not JSON of the form that AWS writes"),
        (r#"{"dataFiles": ["a.parquet"]}"#, "the manifest has no `executionId`"),
    ] {
        assert_eq!(Manifest::parse("reports", CUR2_KEY, body.as_bytes()).unwrap_err().to_string(), expected);
    }
}

#[test]
fn only_the_manifest_of_the_report_announces_it() {
    assert!(is_manifest_key(CUR2_KEY));
    assert!(is_manifest_key("a/Manifest.json"));
    for key in ["a/acme-RedshiftManifest.json", "a/acme-Metadata.json", "a/manifest.json.gz", "a/NotAManifest.json"] {
        assert!(!is_manifest_key(key), "{key}");
    }
}
