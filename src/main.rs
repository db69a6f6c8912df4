//! The `humanlayer` binary.
fn main() {}
