//! Whatever the bytes and however they are cut, the line codec gives the same
//! items, holds at most a line, and never hands out a line over its limit.

#![no_main]

#[path = "../seeds.rs"]
mod seeds;

use humanlayer::ipc::codec::{Item, LineCodec};
use libfuzzer_sys::fuzz_target;
use tokio_util::bytes::BytesMut;
use tokio_util::codec::Decoder;

fn items(limit: usize, bytes: &[u8], piece: usize) -> Vec<Item> {
    let mut codec = LineCodec::new(limit);
    let mut buffer = BytesMut::new();
    let mut found = Vec::new();
    for piece in bytes.chunks(piece) {
        buffer.extend_from_slice(piece);
        while let Some(item) = codec
            .decode(&mut buffer)
            .expect("reading memory cannot fail")
        {
            found.push(item);
        }
        assert!(buffer.len() <= limit, "more than a line is held");
    }
    while let Some(item) = codec
        .decode_eof(&mut buffer)
        .expect("reading memory cannot fail")
    {
        found.push(item);
    }
    found
}

/// A limit, the length of a piece, and some lines of a recording, cut so that some are over the limit.
fn seeds() -> Vec<Vec<u8>> {
    let lines = seeds::recorded_lines();
    let some = lines.chunks(8).map(|lines| {
        let short = lines.iter().enumerate().map(|(number, line)| {
            let keep = line.len().min(40 + 60 * number);
            &line.as_bytes()[..keep]
        });
        let short: Vec<&[u8]> = short.collect();
        [&[200, 7], short.join(&b"\r\n"[..]).as_slice()].concat()
    });
    some.collect()
}

fuzz_target!(init: seeds::put("line_codec", seeds()), |input: (u8, u8, &[u8])| {
    let (limit, piece, bytes) = input;
    let limit = usize::from(limit);
    let whole = items(limit, bytes, bytes.len().max(1));
    assert_eq!(items(limit, bytes, usize::from(piece).max(1)), whole);
    assert_eq!(items(limit, bytes, 1), whole);
    for item in whole {
        if let Item::Line(line) = item {
            assert!(line.len() <= limit && !line.contains('\n') && !line.trim_ascii().is_empty());
        }
    }
});
