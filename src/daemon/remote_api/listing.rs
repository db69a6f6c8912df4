//! What one look at the API's list of pending requests finds, page by page. Pure.
//!
//! The list may change while it is read: a request that is settled shifts the rest by one, and the
//! first of the next page is missed. So a list that changed is read again, and what it lacks is in
//! any case only a reason to ask about that request by name.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::remote_api::types::{self, Page, Request, RequestKind, Settled};

/// Requests asked for at a time.
pub const PAGE: u32 = 100;

/// Most requests of one kind that are looked at.
pub const MAX_LISTED: usize = 10_000;

/// How often a list is read again because it changed meanwhile.
const PASSES: u32 = 3;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read the page that begins there.
    Page(u32),
    /// Nothing: that was all.
    Done,
}

/// What is known of a request from before: its name, and a hash of what was listed under it.
pub type Known = HashMap<String, u64>;

/// What has been found so far.
pub struct Listing<'a> {
    kind: RequestKind,
    known: &'a Known,
    listed: Known,
    /// Pending requests that are new, or not as they were.
    pub fresh: Vec<Request>,
    /// Listed, but settled.
    pub settled: Vec<(String, Settled)>,
    /// What is odd about it, for people.
    pub remark: Option<String>,
    complete: bool,
    passes: u32,
    offset: u32,
    total: Option<u64>,
    moved: bool,
}

impl<'a> Listing<'a> {
    pub fn new(kind: RequestKind, known: &'a Known) -> Self {
        Self {
            kind,
            known,
            listed: Known::new(),
            fresh: Vec::new(),
            settled: Vec::new(),
            remark: None,
            complete: true,
            passes: 1,
            offset: 0,
            total: None,
            moved: false,
        }
    }

    /// Takes a page in.
    pub fn add(&mut self, page: &Page) -> Next {
        let count = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
        let before = self.listed.len();
        for item in &page.items {
            self.item(item.get());
        }
        self.moved |= self.offset > 0 && page.total != self.total;
        self.total = page.total;
        self.offset = self.offset.saturating_add(count);
        let more = match (page.has_more, page.total) {
            (Some(more), _) => more,
            (None, Some(total)) => u64::from(self.offset) < total,
            (None, None) => false,
        };
        if self.listed.len() >= MAX_LISTED && more {
            return self.stop(format!(
                "more than {MAX_LISTED} are pending; the rest is not shown"
            ));
        }
        if more && self.passes == 1 && self.listed.len() == before {
            return self.stop("the list does not end: its pages repeat each other".to_owned());
        }
        if more && count > 0 {
            return Next::Page(self.offset);
        }
        if self.moved && self.passes < PASSES {
            self.passes += 1;
            self.offset = 0;
            self.moved = false;
            return Next::Page(0);
        }
        Next::Done
    }

    /// Not all of the list could be read.
    pub fn cut(&mut self) {
        self.complete = false;
    }

    /// Those of `waiting` that the list lacks. None, rather than all, when it was not read whole.
    pub fn missing(&self, waiting: Vec<String>) -> Vec<String> {
        if !self.complete {
            return Vec::new();
        }
        let settled: HashSet<&str> = self.settled.iter().map(|(id, _)| id.as_str()).collect();
        waiting
            .into_iter()
            .filter(|id| !self.listed.contains_key(id) && !settled.contains(id.as_str()))
            .collect()
    }

    /// What was listed, for the next look.
    pub fn into_known(self) -> Known {
        self.listed
    }

    fn item(&mut self, json: &str) {
        let found = types::listed(self.kind, json);
        let Some(call_id) = found.call_id else {
            // It may be any of those that are missing.
            self.complete = false;
            let problem = found.request.err().unwrap_or_default();
            self.remark = Some(format!("a request cannot be understood: {problem}"));
            return;
        };
        if self.listed.contains_key(&call_id) {
            return;
        }
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        let hash = hasher.finish();
        match found.request {
            Err(problem) => {
                self.remark = Some(format!("a request cannot be understood: {problem}"));
            }
            Ok(Request {
                settled: Some(settled),
                ..
            }) => {
                self.settled.push((call_id, settled));
                return;
            }
            Ok(_) if self.known.get(&call_id) == Some(&hash) => {}
            Ok(request) => self.fresh.push(request),
        }
        self.listed.insert(call_id, hash);
    }

    fn stop(&mut self, remark: String) -> Next {
        self.remark = Some(remark);
        self.complete = false;
        Next::Done
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::{Value, json};

    fn item(id: &str) -> Value {
        json!({"run_id": "r", "call_id": id, "spec": {"fn": "f", "kwargs": {}}})
    }

    fn page(items: &[Value], total: impl Into<Option<u64>>, has_more: Option<bool>) -> Page {
        let json = json!({"items": items, "total": total.into(), "has_more": has_more});
        serde_json::from_str(&json.to_string()).unwrap()
    }

    fn names(listing: &Listing<'_>) -> Vec<String> {
        listing.fresh.iter().map(|r| r.call_id.clone()).collect()
    }

    #[test]
    fn all_pages_are_read() {
        let known = Known::new();
        let mut listing = Listing::new(RequestKind::FunctionCall, &known);
        let first = page(&[item("a"), item("b")], 3, Some(true));
        assert_eq!(listing.add(&first), Next::Page(2));
        assert_eq!(listing.add(&page(&[item("c")], 3, Some(false))), Next::Done);
        assert_eq!(names(&listing), ["a", "b", "c"]);
        let waiting = ["a".to_owned(), "z".to_owned()].to_vec();
        assert_eq!(listing.missing(waiting), ["z"]);
        // Without `has_more` the total tells; without both there is one page.
        let mut listing = Listing::new(RequestKind::FunctionCall, &known);
        assert_eq!(listing.add(&page(&[item("a")], 2, None)), Next::Page(1));
        assert_eq!(listing.add(&page(&[item("b")], 2, None)), Next::Done);
        let mut listing = Listing::new(RequestKind::FunctionCall, &known);
        assert_eq!(listing.add(&page(&[item("a")], None, None)), Next::Done);
    }

    #[test]
    fn a_list_that_changes_is_read_again_and_loses_nothing() {
        let known = Known::new();
        let mut listing = Listing::new(RequestKind::FunctionCall, &known);
        let first = page(&[item("a"), item("b")], 4, Some(true));
        assert_eq!(listing.add(&first), Next::Page(2));
        // `a` was settled meanwhile, so `c` has moved to the first page.
        assert_eq!(
            listing.add(&page(&[item("d")], 3, Some(false))),
            Next::Page(0)
        );
        let first = page(&[item("b"), item("c")], 3, Some(true));
        assert_eq!(listing.add(&first), Next::Page(2));
        assert_eq!(listing.add(&page(&[item("d")], 3, Some(false))), Next::Done);
        assert_eq!(names(&listing), ["a", "b", "d", "c"]);
        // One that never rests is not read for ever.
        let mut listing = Listing::new(RequestKind::FunctionCall, &known);
        let mut reads = 1;
        let mut total = 100;
        while listing.add(&page(
            &[item(&total.to_string())],
            total,
            Some(reads % 2 == 1),
        )) != Next::Done
        {
            reads += 1;
            total += 1;
        }
        assert_eq!(reads, 6);
    }

    #[test]
    fn a_list_without_an_end_is_left_and_nothing_is_missing_in_it() {
        let known = Known::new();
        let mut listing = Listing::new(RequestKind::FunctionCall, &known);
        let again = page(&[item("a")], 9, Some(true));
        assert_eq!(listing.add(&again), Next::Page(1));
        assert_eq!(listing.add(&again), Next::Done);
        assert!(listing.remark.clone().unwrap().contains("does not end"));
        assert_eq!(listing.missing(vec!["z".to_owned()]), [""; 0]);
    }

    #[test]
    fn what_cannot_be_understood_is_told_and_never_taken_for_gone() {
        let known = Known::new();
        let mut listing = Listing::new(RequestKind::FunctionCall, &known);
        let odd = json!({"call_id": "b", "spec": {}});
        let next = listing.add(&page(&[item("a"), odd], 2, Some(false)));
        assert_eq!(next, Next::Done);
        assert_eq!(names(&listing), ["a"]);
        assert!(listing.remark.clone().unwrap().contains("\"b\""));
        let waiting = vec!["b".to_owned(), "c".to_owned()];
        assert_eq!(listing.missing(waiting), ["c"], "b is listed");
        // One without a name may be any.
        listing.add(&page(&[json!({"spec": {"fn": "f"}})], 1, Some(false)));
        assert_eq!(listing.missing(vec!["c".to_owned()]), [""; 0]);
        let mut listing = Listing::new(RequestKind::FunctionCall, &known);
        listing.add(&page(&[item("a")], 2, Some(true)));
        listing.cut();
        assert_eq!(listing.missing(vec!["c".to_owned()]), [""; 0]);
    }

    #[test]
    fn only_what_is_new_or_changed_is_fresh() {
        let nothing = Known::new();
        let mut listing = Listing::new(RequestKind::FunctionCall, &nothing);
        listing.add(&page(&[item("a"), item("b")], 2, Some(false)));
        let known = listing.into_known();
        let mut changed = item("b");
        changed["spec"]["kwargs"] = json!({"x": 1});
        let mut settled = item("s");
        settled["status"] = json!({"approved": true});
        let mut listing = Listing::new(RequestKind::FunctionCall, &known);
        let items = [item("a"), changed, item("c"), settled];
        listing.add(&page(&items, 4, Some(false)));
        assert_eq!(names(&listing), ["b", "c"]);
        assert_eq!(listing.listed.len(), 3);
        assert_eq!(listing.settled.len(), 1);
        assert_eq!(listing.missing(vec!["s".to_owned()]), [""; 0]);
    }
}
