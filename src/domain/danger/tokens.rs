//! A program's text in another language, taken apart into names, texts between quotes, and signs.

/// A piece of a program's text.
pub(super) enum Token<'a> {
    /// A name with its dots.
    Name(&'a str),
    /// A text between quotes, and the quote.
    Text(String, char),
    /// Any other sign.
    Sign(char),
}

/// The pieces of a program's text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' | '\'' | '`' => {
                let mut held = String::new();
                let triple = text[at..].starts_with("\"\"\"") || text[at..].starts_with("'''");
                if triple {
                    rest.next();
                    rest.next();
                }
                while let Some((place, next)) = rest.next() {
                    if next == '\\' {
                        if let Some((_, escaped)) = rest.next() {
                            match escaped {
                                'n' => held.push('\n'),
                                't' => held.push('\t'),
                                'x' => {
                                    let digits: String =
                                        text[place + 2..].chars().take(2).collect();
                                    match u8::from_str_radix(&digits, 16) {
                                        Ok(byte) if digits.len() == 2 && byte.is_ascii() => {
                                            held.push(char::from(byte));
                                            rest.next();
                                            rest.next();
                                        }
                                        _ => held.push('x'),
                                    }
                                }
                                other => held.push(other),
                            }
                        }
                        continue;
                    }
                    if next == c
                        && (!triple || text[place..].starts_with(&String::from(c).repeat(3)))
                    {
                        if triple {
                            rest.next();
                            rest.next();
                        }
                        break;
                    }
                    held.push(next);
                }
                found.push(Token::Text(held, c));
            }
            c if c.is_alphabetic() || c == '_' => {
                let mut end = at + c.len_utf8();
                while let Some((place, next)) = rest.peek().copied() {
                    if !(next.is_alphanumeric() || matches!(next, '_' | '.')) {
                        break;
                    }
                    end = place + next.len_utf8();
                    rest.next();
                }
                found.push(Token::Name(&text[at..end]));
            }
            c if c.is_whitespace() => {}
            c => found.push(Token::Sign(c)),
        }
    }
    found
}

/// The texts within the brackets that open at a place, however deep.
pub(super) fn texts<'t>(tokens: &'t [Token<'_>], from: usize) -> Vec<&'t str> {
    let mut open = 0_usize;
    let mut found = Vec::new();
    for token in tokens.iter().skip(from).take(64) {
        match token {
            Token::Sign('(' | '[' | '{') => open += 1,
            Token::Sign(')' | ']' | '}') => {
                open = open.saturating_sub(1);
                if open == 0 {
                    break;
                }
            }
            Token::Sign(';') if open == 0 => break,
            Token::Text(text, _) => found.push(text.as_str()),
            _ => {}
        }
        if open == 0 && found.len() > 8 {
            break;
        }
    }
    found
}

/// Whether what is given within the brackets is made by another call, and not written there.
pub(super) fn made(tokens: &[Token<'_>], from: usize) -> bool {
    let inner: Vec<&Token<'_>> = tokens.iter().skip(from + 1).take(12).collect();
    let calls = [
        "b64decode",
        "decode",
        "atob",
        "decompress",
        "fromhex",
        "urlopen",
        "get",
        "read",
        "fetch",
        "base64_decode",
        "gzinflate",
        "str_rot13",
        "unhexlify",
        "from",
        "chr",
        "join",
        "unpack",
        "loads",
        "input",
        "open-uri",
        "text",
    ];
    inner.iter().any(|token| matches!(token, Token::Name(name) if name.split('.').any(|part| calls.contains(&part))))
}
