//! Which module uses which, read off the source with a parser.
//!
//! Owns finding the files of the crate, leaving out what only tests see, and resolving each path to the module that
//! has what it names, through `use`, re-exports, `self`, `super` and `crate`. What types alone tell (the methods of
//! a value) is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit::{self, Visit};

/// How many re-exports are followed one after another.
const MAX_HOPS: usize = 16;

/// A module: a file, or a part of one.
#[derive(Default)]
struct Module {
    name: String,
    /// The module that declares it; the crate is its own.
    parent: usize,
    /// The file's module: itself, but for a part of a file.
    file: usize,
    children: BTreeMap<String, usize>,
    /// What `use` brings in, by the name that it has here.
    imports: Vec<(String, Vec<String>)>,
    globs: Vec<Vec<String>>,
    items: BTreeSet<String>,
    /// All paths in it, as they are written.
    paths: BTreeSet<Vec<String>>,
}

/// A file that is built into the product.
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// Its code without comments, tests and white space.
    pub code: String,
}

/// The modules of the crate and the uses between them.
pub struct Graph {
    /// The files, without those that only tests see.
    pub files: Vec<File>,
    modules: Vec<Module>,
    uses: BTreeMap<usize, BTreeSet<usize>>,
}

/// Modules beside each other of which each uses the next, and the last the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The module that declares them.
    pub within: String,
    /// Their names.
    pub members: Vec<String>,
    /// The modules of which one uses the other.
    pub because: Vec<(String, String)>,
}

impl Graph {
    /// Reads a crate below a directory from its first file.
    pub fn read(directory: &Path, root: &str) -> Self {
        Self::of(Path::new(root), &|path| {
            std::fs::read_to_string(directory.join(path)).ok()
        })
    }

    /// Reads a crate from its first file, with the texts of files as they are given.
    pub fn of(root: &Path, text: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut reader = Reader {
            text,
            files: Vec::new(),
            modules: vec![Module::default()],
        };
        let directory = root.parent().unwrap().to_owned();
        reader.file(0, root, &directory);
        let mut graph = Self {
            files: reader.files,
            modules: reader.modules,
            uses: BTreeMap::new(),
        };
        graph.resolve_all();
        graph
    }

    /// The path of a module in the crate, such as `daemon::store`.
    fn path(&self, mut module: usize) -> String {
        let mut names = Vec::new();
        while module != 0 {
            names.push(self.modules[module].name.as_str());
            module = self.modules[module].parent;
        }
        names.reverse();
        names.join("::")
    }

    /// Each module that is used by another one, as (user, used).
    pub fn uses(&self) -> Vec<(String, String)> {
        let pairs = self.uses.iter();
        pairs
            .flat_map(|(from, to)| to.iter().map(|to| (self.path(*from), self.path(*to))))
            .collect()
    }

    /// The names of the modules of the crate.
    pub fn top_level(&self) -> Vec<String> {
        self.modules[0].children.keys().cloned().collect()
    }

    /// The way of uses from a module (or one within it) to another (or one within that), where there is one.
    pub fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let is_within = |module: usize, outer: &str| {
            let path = self.path(module);
            path == outer || path.starts_with(&format!("{outer}::"))
        };
        let mut before: BTreeMap<usize, Option<usize>> = BTreeMap::new();
        let mut queue: std::collections::VecDeque<usize> = (0..self.modules.len())
            .filter(|module| is_within(*module, from))
            .collect();
        before.extend(queue.iter().map(|module| (*module, None)));
        while let Some(module) = queue.pop_front() {
            if is_within(module, to) {
                let mut way = vec![self.path(module)];
                let mut last = module;
                while let Some(Some(one)) = before.get(&last) {
                    way.push(self.path(*one));
                    last = *one;
                }
                way.reverse();
                return Some(way);
            }
            for next in self.uses.get(&module).into_iter().flatten() {
                before.entry(*next).or_insert_with(|| {
                    queue.push_back(*next);
                    Some(module)
                });
            }
        }
        None
    }

    /// All cycles between modules that one module declares, whether they are files or folders.
    pub fn cycles(&self) -> Vec<Cycle> {
        let mut cycles = Vec::new();
        for (parent, module) in self.modules.iter().enumerate() {
            let children: BTreeSet<usize> = module.children.values().copied().collect();
            if children.len() > 1 {
                cycles.extend(self.cycles_among(parent, &children));
            }
        }
        cycles
    }

    fn cycles_among(&self, parent: usize, children: &BTreeSet<usize>) -> Vec<Cycle> {
        let mut edges: BTreeMap<usize, BTreeMap<usize, (usize, usize)>> = BTreeMap::new();
        for (from, targets) in &self.uses {
            let Some(a) = self.ancestor_in(*from, children) else {
                continue;
            };
            for to in targets {
                if let Some(b) = self.ancestor_in(*to, children)
                    && a != b
                {
                    edges.entry(a).or_default().entry(b).or_insert((*from, *to));
                }
            }
        }
        let reach: BTreeMap<usize, BTreeSet<usize>> = children
            .iter()
            .map(|child| {
                let mut seen = BTreeSet::new();
                let mut queue = vec![*child];
                while let Some(one) = queue.pop() {
                    let next = edges.get(&one).into_iter().flat_map(BTreeMap::keys);
                    queue.extend(next.filter(|next| seen.insert(**next)));
                }
                (*child, seen)
            })
            .collect();
        let mut cycles = Vec::new();
        let mut done: BTreeSet<usize> = BTreeSet::new();
        for child in children {
            if !reach[child].contains(child) || done.contains(child) {
                continue;
            }
            let members: BTreeSet<usize> = reach[child]
                .iter()
                .copied()
                .filter(|other| reach[other].contains(child))
                .collect();
            done.extend(&members);
            let because = members
                .iter()
                .filter_map(|member| edges.get(member))
                .flatten()
                .filter(|(to, _)| members.contains(to))
                .map(|(_, (from, to))| (self.path(*from), self.path(*to)))
                .collect();
            let mut names: Vec<String> = members
                .iter()
                .map(|member| self.modules[*member].name.clone())
                .collect();
            names.sort();
            cycles.push(Cycle {
                within: self.path(parent),
                members: names,
                because,
            });
        }
        cycles
    }

    /// The one of these modules in which a module is.
    fn ancestor_in(&self, mut module: usize, these: &BTreeSet<usize>) -> Option<usize> {
        loop {
            if these.contains(&module) {
                return Some(module);
            }
            if module == 0 {
                return None;
            }
            module = self.modules[module].parent;
        }
    }

    fn resolve_all(&mut self) {
        let mut uses: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (index, module) in self.modules.iter().enumerate() {
            let imports = module.imports.iter().map(|(_, path)| path);
            for path in module.paths.iter().chain(imports).chain(&module.globs) {
                let Some(found) = self.resolve(index, path, MAX_HOPS) else {
                    continue;
                };
                let (from, to) = (module.file, self.modules[found].file);
                if from != to {
                    uses.entry(from).or_default().insert(to);
                }
            }
        }
        self.uses = uses;
    }

    /// The module that has what a path names, as it is written in a module; none where it is not of the crate.
    fn resolve(&self, scope: usize, path: &[String], hops: usize) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(0, rest, hops),
            "self" => self.walk(scope, rest, hops),
            "super" => self.walk(self.modules[scope].parent, rest, hops),
            "Self" => None,
            _ => self.lookup(scope, path, hops),
        }
    }

    fn walk(&self, module: usize, rest: &[String], hops: usize) -> Option<usize> {
        match rest.first().map(String::as_str) {
            None | Some("self") => Some(module),
            Some("super") => self.walk(self.modules[module].parent, &rest[1..], hops),
            // What a macro made, or nothing that has a module: it is the module's own.
            Some(_) => self.lookup(module, rest, hops).or(Some(module)),
        }
    }

    fn lookup(&self, module: usize, path: &[String], hops: usize) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        let hops = hops.checked_sub(1)?;
        let here = &self.modules[module];
        if let Some(child) = here.children.get(first) {
            return self.walk(*child, rest, hops);
        }
        if here.items.contains(first) {
            return Some(module);
        }
        let brought_in = here.imports.iter().filter(|(name, _)| name == first);
        for (_, target) in brought_in {
            // `use first::…` of another crate names itself.
            if target.first() != Some(first) {
                let whole: Vec<String> = target.iter().chain(rest).cloned().collect();
                return self.resolve(module, &whole, hops);
            }
        }
        here.globs.iter().find_map(|glob| {
            let target = self.resolve(module, glob, hops)?;
            if target == module {
                return None;
            }
            self.lookup(target, path, hops)
        })
    }
}

struct Reader<'a> {
    text: &'a dyn Fn(&Path) -> Option<String>,
    files: Vec<File>,
    modules: Vec<Module>,
}

impl Reader<'_> {
    fn file(&mut self, module: usize, path: &Path, children: &Path) {
        let text = (self.text)(path);
        let text = text.unwrap_or_else(|| panic!("reading {}", path.display()));
        let file = syn::parse_file(&text);
        let mut file = file.unwrap_or_else(|error| panic!("parsing {}: {error}", path.display()));
        without_tests(&mut file.items);
        self.modules[module].file = module;
        let mut code = String::new();
        said(file.to_token_stream(), &mut code);
        self.files.push(File {
            path: path.to_owned(),
            code,
        });
        self.items(module, &file.items, path, children);
    }

    fn items(&mut self, module: usize, items: &[syn::Item], path: &Path, children: &Path) {
        let mut body = Vec::new();
        for item in items {
            match item {
                syn::Item::Mod(item) => self.module(module, item, path, children),
                syn::Item::Use(item) => imports(&mut self.modules[module], Vec::new(), &item.tree),
                item => {
                    self.modules[module].items.extend(name(item));
                    body.push(item);
                }
            }
        }
        let mut visitor = Paths::default();
        for item in body {
            visitor.visit_item(item);
        }
        self.modules[module].paths = visitor.found;
    }

    fn module(&mut self, parent: usize, item: &syn::ItemMod, path: &Path, children: &Path) {
        let name = item.ident.to_string();
        let index = self.modules.len();
        self.modules.push(Module {
            name: name.clone(),
            parent,
            file: self.modules[parent].file,
            ..Module::default()
        });
        self.modules[parent].children.insert(name.clone(), index);
        let below = children.join(&name);
        if let Some((_, items)) = &item.content {
            return self.items(index, items, path, &below);
        }
        let file = match named_path(&item.attrs) {
            Some(named) => path.parent().unwrap().join(named),
            None => [children.join(format!("{name}.rs")), below.join("mod.rs")]
                .into_iter()
                .find(|path| (self.text)(path).is_some())
                .unwrap_or_else(|| panic!("no file of {name} in {}", path.display())),
        };
        self.file(index, &file, &below);
    }
}

/// Takes out the items that only tests see.
fn without_tests(items: &mut Vec<syn::Item>) {
    items.retain(|item| !is_of_a_test(attributes(item)));
    for item in items {
        match item {
            syn::Item::Mod(syn::ItemMod {
                content: Some((_, items)),
                ..
            }) => without_tests(items),
            syn::Item::Impl(item) => item.items.retain(|item| match item {
                syn::ImplItem::Fn(item) => !is_of_a_test(&item.attrs),
                syn::ImplItem::Const(item) => !is_of_a_test(&item.attrs),
                _ => true,
            }),
            _ => {}
        }
    }
}

/// Writes tokens down without white space and without documentation.
fn said(tokens: TokenStream, code: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                let is_doc = tokens.peek().is_some_and(|next| {
                    matches!(next, TokenTree::Group(group) if group.stream().to_string().starts_with("doc"))
                });
                if is_doc {
                    tokens.next();
                } else {
                    code.push('#');
                }
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                code.push_str(open);
                said(group.stream(), code);
                code.push_str(close);
            }
            token => code.push_str(&token.to_string()),
        }
    }
}

/// What `#[path = "…"]` says.
fn named_path(attributes: &[syn::Attribute]) -> Option<PathBuf> {
    attributes.iter().find_map(|attribute| {
        let syn::Meta::NameValue(meta) = &attribute.meta else {
            return None;
        };
        match &meta.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(path),
                ..
            }) if meta.path.is_ident("path") => Some(path.value().into()),
            _ => None,
        }
    })
}

fn imports(module: &mut Module, mut path: Vec<String>, tree: &syn::UseTree) {
    match tree {
        syn::UseTree::Path(tree) => {
            path.push(tree.ident.to_string());
            imports(module, path, &tree.tree);
        }
        syn::UseTree::Name(tree) if tree.ident == "self" => {
            let name = path.last().cloned().unwrap_or_default();
            module.imports.push((name, path));
        }
        syn::UseTree::Name(tree) => {
            let name = tree.ident.to_string();
            path.push(name.clone());
            module.imports.push((name, path));
        }
        syn::UseTree::Rename(tree) => {
            if tree.ident != "self" {
                path.push(tree.ident.to_string());
            }
            module.imports.push((tree.rename.to_string(), path));
        }
        syn::UseTree::Glob(_) => module.globs.push(path),
        syn::UseTree::Group(tree) => {
            for tree in &tree.items {
                imports(module, path.clone(), tree);
            }
        }
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item;
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &syn::Item) -> Option<String> {
    use syn::Item;
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Whether only a build of the tests has what carries these attributes.
fn is_of_a_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("test") || path.is_ident("rstest") || is_tokio_test(path) {
            return true;
        }
        path.is_ident("cfg")
            && attribute
                .parse_args::<syn::Meta>()
                .is_ok_and(|condition| needs_test(&condition))
    })
}

fn is_tokio_test(path: &syn::Path) -> bool {
    path.segments.len() == 2
        && path.segments[0].ident == "tokio"
        && path.segments[1].ident == "test"
}

/// Whether a condition holds in a build of the tests alone.
fn needs_test(condition: &syn::Meta) -> bool {
    let parts = |list: &syn::MetaList| {
        list.parse_args_with(
            syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated,
        )
        .unwrap_or_default()
    };
    match condition {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("all") => parts(list).iter().any(needs_test),
        syn::Meta::List(list) if list.path.is_ident("any") => parts(list).iter().all(needs_test),
        _ => false,
    }
}

/// Collects the paths of items, also those within macros and attributes.
#[derive(Default)]
struct Paths {
    found: BTreeSet<Vec<String>>,
}

impl Paths {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.tokens(group.stream());
                    colons = 0;
                }
                // Such as serde's `with = "crate::…"`.
                TokenTree::Literal(literal) => {
                    self.end(&mut path);
                    let text = literal.to_string();
                    if let Some(named) = text.strip_prefix("\"crate::") {
                        let named = named.trim_end_matches('"').split("::");
                        let path = std::iter::once("crate").chain(named);
                        self.found.insert(path.map(str::to_owned).collect());
                    }
                    colons = 0;
                }
                TokenTree::Punct(_) => {
                    self.end(&mut path);
                    colons = 0;
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.found.insert(std::mem::take(path));
        }
        path.clear();
    }

    fn tree(&mut self, tree: &syn::UseTree) {
        let mut here = Module::default();
        imports(&mut here, Vec::new(), tree);
        self.found
            .extend(here.imports.into_iter().map(|(_, path)| path));
        self.found.extend(here.globs);
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|part| part.ident.to_string());
        self.found.insert(names.collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.visit_path(&item.path);
        self.tokens(item.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        match &attribute.meta {
            syn::Meta::List(list) => self.tokens(list.tokens.clone()),
            syn::Meta::NameValue(_) | syn::Meta::Path(_) => {}
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree);
    }

    /// `pub(crate)` uses nothing.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}
}
