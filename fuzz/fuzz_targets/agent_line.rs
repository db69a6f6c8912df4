//! Whatever an agent writes, the parser of its lines gives something for it and does not fail, and
//! a line means the same each time.

#![no_main]

#[path = "../seeds.rs"]
mod seeds;

use humanlayer::claude::line::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: seeds::put("agent_line", seeds::recorded_lines().into_iter().map(String::into_bytes)), |line: &str| {
    let understood = format!("{:?}", parse(line));
    assert_eq!(format!("{:?}", parse(line)), understood);
});
