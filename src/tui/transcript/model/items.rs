//! The items of a conversation, how they follow each other and which are steps of which call.
//!
//! Owns the order, the joining of results with their calls and of subagents' steps with the call
//! that started them, whichever comes first: pages are loaded backwards. Every operation on one
//! item costs the logarithm of the conversation at most. Knows nothing of drawing or folding.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::domain::{Delivery, EventType};
use crate::protocol::conversation::ConversationEvent;
use crate::tui::transcript::model::item::{Answer, Item, ItemId, Kind, ToolCall};

/// Deepest nesting of subagents that is kept as such; deeper steps stand beside each other.
const MAX_DEPTH: usize = 32;

/// From here on keys are those of drafts, which stand behind everything stored.
const DRAFT_KEYS: i64 = i64::MAX / 2;

/// All items.
#[derive(Debug, Default)]
pub(crate) struct Items {
    arena: Vec<Item>,
    top: VecDeque<(i64, ItemId)>,
    turns: VecDeque<(i64, ItemId)>,
    calls: HashMap<String, ItemId>,
    orphans: HashMap<String, ItemId>,
    absent: HashMap<String, ItemId>,
    /// Messages of the user that the agent has not read, by their places: their ids, how far they are.
    deliveries: BTreeMap<i64, (i64, Delivery)>,
    drafted: i64,
}

impl Items {
    pub fn get(&self, id: ItemId) -> &Item {
        &self.arena[id.index()]
    }

    pub fn kind_mut(&mut self, id: ItemId) -> &mut Kind {
        &mut self.arena[id.index()].kind
    }

    pub fn call(&self, tool_id: &str) -> Option<ItemId> {
        self.calls.get(tool_id).copied()
    }

    pub fn top(&self) -> &VecDeque<(i64, ItemId)> {
        &self.top
    }

    /// What the user said, in order.
    pub fn turns(&self) -> &VecDeque<(i64, ItemId)> {
        &self.turns
    }

    /// How far a message of the user is that the agent has not read, and its id.
    pub fn delivery(&self, id: ItemId) -> Option<(i64, Delivery)> {
        let item = self.get(id);
        let top = item.parent.is_none() && matches!(item.kind, Kind::User(_));
        self.deliveries.get(&item.key).copied().filter(|_| top)
    }

    /// Notes how far a message is; gives the item, if it is loaded and that is news.
    pub fn set_delivery(
        &mut self,
        sequence: i64,
        id: i64,
        delivery: Option<Delivery>,
    ) -> Option<ItemId> {
        let before = match delivery {
            Some(delivery) => self.deliveries.insert(sequence, (id, delivery)),
            None => self.deliveries.remove(&sequence),
        };
        if before.map(|(_, delivery)| delivery) == delivery {
            return None;
        }
        let at = self.top.partition_point(|(key, _)| *key < sequence);
        let found = self.top.get(at).filter(|(key, _)| *key == sequence);
        found.map(|(_, id)| *id)
    }

    /// The newest message that may still be read or withdrawn.
    pub fn newest_unread(&self) -> Option<(i64, Delivery)> {
        let mut waiting = self.deliveries.values().rev();
        waiting.find(|(_, delivery)| delivery.is_open()).copied()
    }

    /// How many messages are queued.
    pub fn queued(&self) -> usize {
        let queued = |(_, delivery): &&(i64, Delivery)| *delivery == Delivery::Queued;
        self.deliveries.values().filter(queued).count()
    }

    /// The place of the first message that may still be read or withdrawn.
    pub fn first_unread(&self) -> Option<i64> {
        self.deliveries
            .iter()
            .find(|(_, (_, delivery))| delivery.is_open())
            .map(|(sequence, _)| *sequence)
    }

    /// Where an item stands among its siblings; none for one that was taken out.
    pub fn place_of(&self, id: ItemId) -> Option<usize> {
        let item = self.get(id);
        let siblings = self.siblings(item.parent);
        let at = siblings.partition_point(|(key, _)| *key < item.key);
        (siblings.get(at).map(|(_, found)| *found) == Some(id)).then_some(at)
    }

    pub fn siblings(&self, parent: Option<ItemId>) -> &VecDeque<(i64, ItemId)> {
        parent.map_or(&self.top, |parent| &self.get(parent).children)
    }

    /// The calls that an item is a step of, the nearest first.
    pub fn ancestors(&self, id: ItemId) -> impl Iterator<Item = ItemId> {
        std::iter::successors(self.get(id).parent, |parent| self.get(*parent).parent)
    }

    /// The first item behind this one and its steps.
    pub fn behind(&self, id: ItemId) -> Option<ItemId> {
        std::iter::once(id)
            .chain(self.ancestors(id))
            .find_map(|id| {
                let place = self.place_of(id)?;
                let siblings = self.siblings(self.get(id).parent);
                siblings.get(place + 1).map(|(_, next)| *next)
            })
    }

    /// The item at the top that holds this one.
    pub fn root(&self, id: ItemId) -> ItemId {
        self.ancestors(id).last().unwrap_or(id)
    }

    /// Takes a stored piece in; `draft` is the item that it was so far, if it was. Says whose
    /// looks change, the item that the piece is part of first.
    pub fn insert(&mut self, event: ConversationEvent, draft: Option<ItemId>) -> Vec<ItemId> {
        let key = event.sequence;
        if let Some(delivery) = event.delivery {
            self.deliveries.insert(key, (event.id, delivery));
        }
        let parent_call = event.parent_tool_use_id.clone();
        let text = event.content.unwrap_or_default();
        let kind = match event.event_type {
            EventType::ToolResult => {
                let answer = Answer {
                    call: event.tool_result_for_id.unwrap_or_default(),
                    text: event.tool_result_content.unwrap_or_default(),
                    is_error: event.is_error,
                };
                if let Some(call) = self.call(&answer.call) {
                    let mut touched = vec![call];
                    touched.extend(self.answer(call, answer));
                    return touched;
                }
                Kind::Orphan(Box::new(answer))
            }
            EventType::ToolCall => Kind::Call(Box::new(ToolCall {
                id: event.tool_id.unwrap_or_default(),
                name: event.tool_name.unwrap_or_default(),
                input: event.tool_input_json.unwrap_or_default(),
                writing: false,
                answer: None,
                outcome: event.approval_outcome,
                edited: event.edited_input_json,
                unread_lines: event.unread_lines,
                steps: 0,
                open_steps: 0,
                read: OnceCell::new(),
            })),
            EventType::Thinking => Kind::Thinking(text),
            EventType::System => Kind::System(text),
            EventType::Message => match event.role.as_deref() {
                Some("user") => Kind::User(text),
                Some("system") => Kind::System(text),
                Some(_) | None => Kind::Assistant(text),
            },
        };
        self.settle(key, kind, parent_call.as_deref(), draft)
    }

    /// Adds an item for what is just being said.
    pub fn add_draft(&mut self, kind: Kind, parent_call: Option<&str>) -> Vec<ItemId> {
        self.drafted += 1;
        self.settle(DRAFT_KEYS + self.drafted, kind, parent_call, None)
    }

    /// Takes the item of a draft out that was broken off.
    pub fn remove_draft(&mut self, id: ItemId) {
        self.uncount(id);
        self.remove(id);
    }

    /// Takes an item out. Its steps, if it has any, go with it.
    fn remove(&mut self, id: ItemId) {
        let Some(at) = self.place_of(id) else { return };
        let item = &self.arena[id.index()];
        let (key, parent) = (item.key, item.parent);
        if let Kind::Call(call) = &item.kind
            && self.calls.get(&call.id) == Some(&id)
        {
            self.calls.remove(&call.id);
        }
        self.siblings_mut(parent).remove(at);
        let turn = self.turns.partition_point(|(other, _)| *other < key);
        if self.turns.get(turn).map(|(_, found)| *found) == Some(id) {
            self.turns.remove(turn);
        }
    }

    fn settle(
        &mut self,
        key: i64,
        kind: Kind,
        parent_call: Option<&str>,
        draft: Option<ItemId>,
    ) -> Vec<ItemId> {
        let parent = parent_call
            .map(|call| self.parent(call, key))
            .and_then(|parent| {
                let depth = self.ancestors(parent).take(MAX_DEPTH).count();
                let parent = if depth < MAX_DEPTH {
                    Some(parent)
                } else {
                    self.get(parent).parent
                };
                // A call that claims to be a step of itself is none.
                parent.filter(|parent| {
                    Some(*parent) != draft
                        && self.ancestors(*parent).all(|above| Some(above) != draft)
                })
            });
        let is_call = matches!(kind, Kind::Call(_));
        let id = match draft {
            Some(id) => {
                self.uncount(id);
                self.remove(id);
                let item = &mut self.arena[id.index()];
                item.key = key;
                item.kind = kind;
                item.parent = parent;
                id
            }
            None => {
                let id = ItemId(u32::try_from(self.arena.len()).unwrap_or(u32::MAX));
                self.arena.push(Item {
                    key,
                    parent,
                    children: VecDeque::new(),
                    kind,
                });
                id
            }
        };
        self.put(id);
        let mut touched = vec![id];
        touched.extend(parent);
        if is_call {
            if let Some(parent) = parent {
                self.count(parent, 1, 1);
            }
            touched.extend(self.join(id));
        }
        touched
    }

    /// The item of the call that a step belongs to; a stand-in where that is not loaded.
    fn parent(&mut self, call: &str, key: i64) -> ItemId {
        if let Some(id) = self.calls.get(call).or_else(|| self.absent.get(call)) {
            return *id;
        }
        let id = ItemId(u32::try_from(self.arena.len()).unwrap_or(u32::MAX));
        self.arena.push(Item {
            key,
            parent: None,
            children: VecDeque::new(),
            kind: Kind::Absent,
        });
        self.put(id);
        self.absent.insert(call.to_owned(), id);
        id
    }

    /// Registers a call and gives it what was waiting for it: a result, steps.
    fn join(&mut self, id: ItemId) -> Vec<ItemId> {
        let Kind::Call(call) = &self.get(id).kind else {
            return Vec::new();
        };
        let tool_id = call.id.clone();
        self.calls.insert(tool_id.clone(), id);
        let mut touched = Vec::new();
        if let Some(orphan) = self.orphans.remove(&tool_id) {
            self.remove(orphan);
            let kind = std::mem::replace(self.kind_mut(orphan), Kind::System(String::new()));
            if let Kind::Orphan(answer) = kind {
                touched.extend(self.answer(id, *answer));
            }
        }
        if let Some(stand_in) = self.absent.get(&tool_id).copied()
            // A call that claims to be a step of itself keeps its stand-in.
            && !self.ancestors(id).any(|ancestor| ancestor == stand_in)
        {
            self.absent.remove(&tool_id);
            self.remove(stand_in);
            let children = std::mem::take(&mut self.arena[stand_in.index()].children);
            for (_, child) in &children {
                self.arena[child.index()].parent = Some(id);
                if let Kind::Call(call) = &self.get(*child).kind {
                    let open = isize::from(call.answer.is_none());
                    self.count(id, 1, open);
                }
            }
            self.arena[id.index()].children = children;
        }
        touched
    }

    /// Gives a call its result; says which call it was a step of.
    fn answer(&mut self, id: ItemId, answer: Answer) -> Option<ItemId> {
        let parent = self.get(id).parent;
        if let Kind::Call(call) = self.kind_mut(id)
            && call.answer.replace(answer).is_none()
            && let Some(parent) = parent
        {
            self.count(parent, 0, -1);
        }
        parent
    }

    /// Takes a drafted call out of the count of the call that it is a step of.
    fn uncount(&mut self, id: ItemId) {
        if let Item {
            parent: Some(parent),
            kind: Kind::Call(_),
            ..
        } = *self.get(id)
        {
            self.count(parent, -1, -1);
        }
    }

    fn count(&mut self, parent: ItemId, steps: isize, open: isize) {
        if let Kind::Call(call) = self.kind_mut(parent) {
            call.steps = call.steps.saturating_add_signed(steps);
            call.open_steps = call.open_steps.saturating_add_signed(open);
        }
    }

    fn put(&mut self, id: ItemId) {
        let item = &self.arena[id.index()];
        let (key, parent) = (item.key, item.parent);
        let is_turn = parent.is_none() && matches!(item.kind, Kind::User(_));
        if let Kind::Orphan(answer) = &item.kind {
            self.orphans.insert(answer.call.clone(), id);
        }
        let place = |list: &mut VecDeque<(i64, ItemId)>| {
            let at = list.partition_point(|(other, _)| *other < key);
            list.insert(at, (key, id));
        };
        place(self.siblings_mut(parent));
        if is_turn {
            place(&mut self.turns);
        }
    }

    fn siblings_mut(&mut self, parent: Option<ItemId>) -> &mut VecDeque<(i64, ItemId)> {
        match parent {
            None => &mut self.top,
            Some(parent) => &mut self.arena[parent.index()].children,
        }
    }
}
