//! Lines of an MCP client, made such that the MCP library takes them.
//!
//! A client that writes JavaScript strings may write half a character (a shortened emoji): `\ud83d` with
//! nothing behind it. The library's parser refuses the whole line, so that the call would never be
//! answered. Here each such half becomes a replacement character, which is what it becomes anyway
//! when it is printed. What a person approves is passed back, so what runs is what was shown.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader, DuplexStream};

/// Bytes of mended lines that wait for the library.
const BUFFER: usize = 64 * 1024;

/// Gives the same lines as `input`, mended; ends when it ends.
pub fn lines(input: impl AsyncRead + Send + Unpin + 'static) -> DuplexStream {
    let (mended, mut feed) = tokio::io::duplex(BUFFER);
    tokio::spawn(async move {
        let mut input = BufReader::new(input);
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.read_until(b'\n', &mut line).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "reading from the MCP client");
                    return;
                }
            }
            mend(&mut line);
            if feed.write_all(&line).await.is_err() {
                return;
            }
        }
    });
    mended
}

/// Replaces each escape that is half a character, in place: all escapes are equally long.
fn mend(line: &mut [u8]) {
    let mut at = 0;
    while let Some(next) = line[at..].iter().position(|byte| *byte == b'\\') {
        at += next;
        at += match (unit(line, at), unit(line, at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                line[at + 2..at + 6].copy_from_slice(b"fffd");
                6
            }
            (Some(_), _) => 6,
            (None, _) => 2.min(line.len() - at),
        };
    }
}

/// The code unit that an escape at this place stands for.
fn unit(line: &[u8], at: usize) -> Option<u16> {
    let digits = line.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_half_characters_are_replaced() {
        for (line, mended) in [
            (r#""cut \ud83d""#, r#""cut \ufffd""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (
                r#""\ude00\ud83d\ud83d\ude00x""#,
                r#""\ufffd\ufffd\ud83d\ude00x""#,
            ),
            (r#""\\ud83d \n \u00e4""#, r#""\\ud83d \n \u00e4""#),
            (r#""\ud8"#, r#""\ud8"#),
            (r"\", r"\"),
        ] {
            let mut bytes = line.as_bytes().to_vec();
            mend(&mut bytes);
            assert_eq!(String::from_utf8_lossy(&bytes), mended, "{line}");
        }
    }
}
