//! One parser of Yuanjiao, named by `PARSER`, under libFuzzer.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use yuanjiao::app::fuzzing::TARGETS;

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

fn named() -> fn(&[u8]) {
    let name = std::env::var("PARSER").unwrap_or_default();
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let known = || TARGETS.map(|(known, _)| known).join(", ");
    found.unwrap_or_else(|| panic!("expected PARSER to be one of {}, got {name:?}", known())).1
}

fuzz_target!(|data: &[u8]| TARGET.get_or_init(named)(data));
