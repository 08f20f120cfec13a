//! `cargo fuzz run export --features libfuzzer`

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| callboard_fuzz::export(input));
