//! SQL that removes data.

/// Words of a statement that are looked at.
const MAX_WORDS: usize = 400;

/// The statement of a text that removes data.
pub(super) fn destructive(sql: &str) -> Option<&str> {
    sql.split(';')
        .map(str::trim)
        .find(|statement| is_destructive(statement))
}

fn is_destructive(statement: &str) -> bool {
    let mut statement = statement.trim_start();
    // Comments before it.
    for _ in 0..8 {
        let rest = if statement.starts_with("--") {
            statement.split_once('\n')
        } else if statement.starts_with("/*") {
            statement.split_once("*/")
        } else {
            None
        };
        match rest {
            Some((_, rest)) => statement = rest.trim_start(),
            None => break,
        }
    }
    let words: Vec<String> = statement
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '`'))
        .filter(|word| !word.is_empty() && *word != "--")
        .take(MAX_WORDS)
        .map(str::to_ascii_uppercase)
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // A comment may stand in place of a blank.
    let words: Vec<&str> = words
        .iter()
        .copied()
        .flat_map(|word| word.split("/**/"))
        .filter(|word| !(word.starts_with("/*") && word.ends_with("*/")))
        .collect();
    let at = |pair: &[&str]| words.windows(pair.len()).position(|window| window == pair);
    let first = words.first().copied().unwrap_or_default();
    // A sentence about it is no statement.
    const STARTS: [&str; 16] = [
        "DROP", "DELETE", "TRUNCATE", "ALTER", "UPDATE", "WITH", "BEGIN", "EXPLAIN", "EXEC",
        "EXECUTE", "DO", "SET", "USE", "START", "IF", "REVOKE",
    ];
    if !STARTS.contains(&first) && !first.starts_with(['\\', '#', '-', '/']) {
        return false;
    }
    const THINGS: [&str; 22] = [
        "TABLE",
        "DATABASE",
        "SCHEMA",
        "VIEW",
        "INDEX",
        "COLUMN",
        "USER",
        "ROLE",
        "KEYSPACE",
        "COLLECTION",
        "FUNCTION",
        "TRIGGER",
        "SEQUENCE",
        "TYPE",
        "EXTENSION",
        "POLICY",
        "MATERIALIZED",
        "TABLESPACE",
        "OWNED",
        "PROCEDURE",
        "CONSTRAINT",
        "PARTITION",
    ];
    let drops = THINGS.iter().any(|thing| at(&["DROP", thing]).is_some());
    let has_where = words.contains(&"WHERE");
    let is_always = at(&["WHERE", "1=1"]).is_some()
        || at(&["WHERE", "TRUE"]).is_some()
        || at(&["WHERE", "1"]).is_some_and(|at| words.len() == at + 2)
        || at(&["WHERE", "1", "=", "1"]).is_some();
    let is_plain = at(&["DELETE", "FROM"]).is_some_and(|place| place < 6);
    let deletes = is_plain && (!has_where || is_always) && first != "SELECT" && first != "EXPLAIN";
    let updates = first == "UPDATE" && words.contains(&"SET") && (!has_where || is_always);
    let truncates = first == "TRUNCATE" || at(&["TRUNCATE", "TABLE"]).is_some();
    drops || deletes || updates || truncates
}
