//! Whatever an agent writes, the parser of its lines gives something for it and does not fail, and
//! a line means the same each time.

#![no_main]

use humanlayer::daemon::claude::line::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    let understood = format!("{:?}", parse(line));
    assert_eq!(format!("{:?}", parse(line)), understood);
});
