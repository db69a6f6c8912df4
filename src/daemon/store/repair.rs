//! Mending the database at a person's word: its indexes, what is counted in it, and which file is in its place.

use rusqlite::Connection;

use super::{Doing as _, Store, StoreError};

/// Most problems of the database that are told.
const PROBLEMS: usize = 5;

impl Store {
    /// Looks through the whole database, makes its indexes anew where they do not fit, and counts its sessions again;
    /// puts the database that is open back where another file has taken its place. Says what was done; nothing where
    /// all is well.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn repair(&self) -> Result<Vec<String>, StoreError> {
        let mut done = Vec::new();
        if self.files.state() == super::files::State::Replaced {
            self.files.want_back();
            self.writer.run(|_| Ok(())).await?;
            done.extend(self.files.set_aside().map(|path| {
                format!(
                    "put the database that is open back in its place; the file that was there is kept as {}",
                    path.display()
                )
            }));
        }
        let found = self.readers.run(problems).await?;
        if !found.is_empty() {
            self.writer
                .run(|write| {
                    write
                        .db
                        .execute_batch("REINDEX")
                        .doing("make its indexes anew")
                })
                .await?;
            let left = self.readers.run(problems).await?;
            done.push(match left.as_slice() {
                [] => format!(
                    "made the indexes of the database anew ({})",
                    found.join("; ")
                ),
                left => format!(
                    "the database is damaged, and new indexes do not mend it: {}. Put a backup back: `humanlayer restore PATH`",
                    left.join("; ")
                ),
            });
        }
        let recounted = self
            .writer
            .run(|write| {
                let differ: bool = write
                    .db
                    .query_row(
                        "SELECT EXISTS (
                           SELECT archived, status, n FROM session_counts WHERE n <> 0
                           EXCEPT SELECT archived, status, count(*) FROM sessions GROUP BY 1, 2)
                         OR EXISTS (
                           SELECT archived, status, count(*) FROM sessions GROUP BY 1, 2
                           EXCEPT SELECT archived, status, n FROM session_counts)",
                        [],
                        |row| row.get(0),
                    )
                    .doing("count the sessions")?;
                if differ {
                    write
                        .db
                        .execute_batch(
                            "DELETE FROM session_counts;
                             INSERT INTO session_counts (archived, status, n)
                               SELECT archived, status, count(*) FROM sessions GROUP BY 1, 2",
                        )
                        .doing("count the sessions again")?;
                }
                Ok(differ)
            })
            .await?;
        if recounted {
            done.push("counted the sessions again".to_owned());
        }
        Ok(done)
    }
}

fn problems(db: &Connection) -> Result<Vec<String>, StoreError> {
    let found: Vec<String> = db
        .prepare("PRAGMA integrity_check(5)")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .doing("look through the database")?;
    Ok(found
        .into_iter()
        .filter(|line| line != "ok")
        .take(PROBLEMS)
        .collect())
}
