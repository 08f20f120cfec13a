//! `cargo fuzz run body --features libfuzzer`

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| callboard_fuzz::body(input));
