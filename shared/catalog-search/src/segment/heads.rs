//! What decides on names and inheritance: of each entity its kind, namespace and name as its own record has them, the
//! owner and system that it says, and what followed from other records when the segment was made.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::docs::Doc;
use crate::flatten::SearchValue;
use crate::segment::SegmentError;
use crate::segment::bytes::{Reader, Writer};
use crate::segment::texts::Texts;

/// The keys whose rows an inherited value replaces.
pub(crate) const INHERITED_KEYS: [&str; 2] = ["spec.owner", "spec.system"];

/// One entity as its own record has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head<'h> {
    pub(crate) kind: &'h str,
    pub(crate) namespace: &'h str,
    pub(crate) name: &'h str,
    pub(crate) owner: Option<&'h str>,
    pub(crate) system: Option<&'h str>,
    /// The owner gives way to a component's.
    pub(crate) owner_yields: bool,
    pub(crate) system_yields: bool,
    pub(crate) content: &'h str,
}

/// What followed from other records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Followed {
    pub(crate) naming: StoredNaming,
    /// The component that gives owner and system.
    pub(crate) giver: Option<Doc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredNaming {
    Own,
    Derived,
    TakenBy(Doc),
}

#[derive(Debug, Default)]
pub(crate) struct Heads {
    words: Texts,
    names: Texts,
    kinds: Vec<u32>,
    namespaces: Vec<u32>,
    /// 0: none; else one more than the number of the word.
    owners: Vec<u32>,
    systems: Vec<u32>,
    /// Sixteen hexadecimal digits each.
    contents: String,
    /// 0: own, 1: derived, else two more than the number of the holder.
    namings: Vec<u32>,
    /// 0: none; else one more than the number of the giver.
    givers: Vec<u32>,
    /// AWS resources under a declared name, in the order of the references.
    declared: Vec<Doc>,
    /// Rows of entities that may inherit, as they are without that: in the order of entities.
    own_rows: Vec<(Doc, SearchValue)>,
}

const CONTENT_DIGITS: usize = 16;

/// Before an owner or a system that gives way to a component's. No name has it in it.
const YIELDS: char = '\u{1}';

fn written(text: &str, yields: bool) -> Cow<'_, str> {
    if yields { Cow::Owned(format!("{YIELDS}{text}")) } else { Cow::Borrowed(text) }
}

/// A text, and whether it gives way.
fn told(text: &str) -> (&str, bool) {
    text.strip_prefix(YIELDS).map_or((text, false), |text| (text, true))
}

impl Heads {
    pub(crate) fn head(&self, doc: Doc) -> Head<'_> {
        let at = place(doc);
        let word = |number: u32| self.words.get(place(number));
        let some = |number: u32| number.checked_sub(1).map(word);
        let owner = some(self.owners[at]).map(told);
        let system = some(self.systems[at]).map(told);
        Head {
            kind: word(self.kinds[at]),
            namespace: word(self.namespaces[at]),
            name: self.names.get(at),
            owner: owner.map(|(text, _)| text),
            system: system.map(|(text, _)| text),
            owner_yields: owner.is_some_and(|(_, yields)| yields),
            system_yields: system.is_some_and(|(_, yields)| yields),
            content: &self.contents[at * CONTENT_DIGITS..(at + 1) * CONTENT_DIGITS],
        }
    }

    pub(crate) fn followed(&self, doc: Doc) -> Followed {
        let naming = match self.namings[place(doc)] {
            0 => StoredNaming::Own,
            1 => StoredNaming::Derived,
            more => StoredNaming::TakenBy(more - 2),
        };
        Followed { naming, giver: self.givers[place(doc)].checked_sub(1) }
    }

    pub(crate) fn declared(&self) -> &[Doc] {
        &self.declared
    }

    pub(crate) fn own_rows(&self, doc: Doc) -> impl Iterator<Item = &SearchValue> {
        let first = self.own_rows.partition_point(|(other, _)| *other < doc);
        self.own_rows[first..].iter().take_while(move |(other, _)| *other == doc).map(|(_, row)| row)
    }

    pub(crate) fn bytes(&self) -> usize {
        let numbers = self.kinds.capacity() * 6 + self.declared.capacity();
        let rows: usize =
            self.own_rows.iter().map(|(_, row)| size_of::<(Doc, SearchValue)>() + row.key.len() * 2).sum();
        self.words.bytes() + self.names.bytes() + self.contents.capacity() + numbers * size_of::<u32>() + rows
    }

    pub(crate) fn read(content: &[u8], entities: u32) -> Result<Self, SegmentError> {
        let mut reader = Reader::new("heads", content);
        let words = Texts::read(&mut reader)?;
        let names = Texts::read(&mut reader)?;
        if names.len() != place(entities) {
            return Err(reader.wrong("it has not as many names as there are entities"));
        }
        let word_count = u32::try_from(words.len()).map_err(|_| reader.wrong("it has too many words"))?;
        let mut heads = Self { words, names, ..Self::default() };
        for _ in 0..entities {
            let mut below = |end: u32| {
                let number = reader.small()?;
                if number < end { Ok(number) } else { Err(reader.wrong("a number is out of bounds")) }
            };
            heads.kinds.push(below(word_count)?);
            heads.namespaces.push(below(word_count)?);
            heads.owners.push(below(word_count.saturating_add(1))?);
            heads.systems.push(below(word_count.saturating_add(1))?);
            heads.namings.push(below(entities.saturating_add(2))?);
            heads.givers.push(below(entities.saturating_add(1))?);
            let digits = std::str::from_utf8(reader.raw(CONTENT_DIGITS)?).ok();
            let digits = digits.filter(|digits| digits.is_ascii()).ok_or_else(|| reader.wrong("a hash is no text"))?;
            heads.contents.push_str(digits);
        }
        for _ in 0..reader.count()? {
            let doc = reader.small()?;
            if doc >= entities {
                return Err(reader.wrong("a declared name is of nobody"));
            }
            heads.declared.push(doc);
        }
        heads.read_own_rows(&mut reader, entities)?;
        reader.end()?;
        Ok(heads)
    }

    fn read_own_rows(&mut self, reader: &mut Reader<'_>, entities: u32) -> Result<(), SegmentError> {
        for _ in 0..reader.count()? {
            let doc = reader.small()?;
            let key = INHERITED_KEYS.get(usize::try_from(reader.number()?).unwrap_or(usize::MAX));
            let key = key.ok_or_else(|| reader.wrong("a row has a key that is not inherited"))?;
            let original = match reader.number()? {
                0 => None,
                1 => Some(reader.text()?.to_owned()),
                _ => return Err(reader.wrong("a row is neither with nor without a value")),
            };
            let element = reader.number()? == 1;
            self.own_rows.push((doc, SearchValue { key: (*key).to_owned(), original, element }));
        }
        if !self.own_rows.is_sorted_by_key(|(doc, _)| doc)
            || self.own_rows.last().is_some_and(|(doc, _)| *doc >= entities)
        {
            return Err(reader.wrong("its rows are not in the order of entities"));
        }
        Ok(())
    }
}

/// Takes the entities in their order.
#[derive(Debug, Default)]
pub(crate) struct HeadsWriter {
    /// Words by the number that each got when it first came.
    words: HashMap<String, u32>,
    /// Kind, namespace, owner, system.
    rows: Vec<[Option<u32>; 4]>,
    names: Texts,
    contents: String,
    followed: Vec<Followed>,
    declared: Vec<(String, Doc)>,
    own_rows: Vec<(Doc, SearchValue)>,
}

impl HeadsWriter {
    /// `declared`: the reference, if the entity is an AWS resource under a declared name.
    pub(crate) fn push(
        &mut self,
        head: Head<'_>,
        followed: Followed,
        declared: Option<String>,
        own_rows: impl IntoIterator<Item = SearchValue>,
    ) {
        let doc = Doc::try_from(self.rows.len()).expect("fewer than four thousand million entities");
        let mut number = |word: &str| match self.words.get(word) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.words.len()).expect("fewer words than entities");
                self.words.insert(word.to_owned(), number);
                number
            }
        };
        let owner = head.owner.map(|text| written(text, head.owner_yields));
        let system = head.system.map(|text| written(text, head.system_yields));
        let words = [Some(head.kind), Some(head.namespace), owner.as_deref(), system.as_deref()];
        self.rows.push(words.map(|word| word.map(&mut number)));
        self.names.push(head.name);
        self.contents.push_str(&format!("{:0<CONTENT_DIGITS$.CONTENT_DIGITS$}", head.content));
        self.followed.push(followed);
        self.declared.extend(declared.map(|reference| (reference, doc)));
        self.own_rows.extend(own_rows.into_iter().map(|row| (doc, row)));
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let mut words: Vec<(&str, u32)> = self.words.iter().map(|(word, number)| (word.as_str(), *number)).collect();
        words.sort_unstable();
        let mut ranks = vec![0; words.len()];
        for (rank, (_, number)) in (0_u32..).zip(&words) {
            ranks[place(*number)] = rank;
        }
        let mut writer = Writer::default();
        words.iter().map(|(word, _)| *word).collect::<Texts>().write(&mut writer);
        self.names.write(&mut writer);
        let rank = |word: Option<u32>| word.map(|number| ranks[place(number)]);
        for (at, ([kind, namespace, owner, system], followed)) in self.rows.iter().zip(&self.followed).enumerate() {
            writer.number(rank(*kind).unwrap_or_default());
            writer.number(rank(*namespace).unwrap_or_default());
            writer.number(rank(*owner).map_or(0, |rank| rank + 1));
            writer.number(rank(*system).map_or(0, |rank| rank + 1));
            writer.number(match followed.naming {
                StoredNaming::Own => 0,
                StoredNaming::Derived => 1,
                StoredNaming::TakenBy(doc) => u64::from(doc) + 2,
            });
            writer.number(followed.giver.map_or(0, |giver| u64::from(giver) + 1));
            writer.raw(&self.contents.as_bytes()[at * CONTENT_DIGITS..(at + 1) * CONTENT_DIGITS]);
        }
        self.declared.sort();
        writer.number(self.declared.len());
        self.declared.iter().for_each(|(_, doc)| writer.number(*doc));
        writer.number(self.own_rows.len());
        for (doc, row) in &self.own_rows {
            writer.number(*doc);
            writer.number(INHERITED_KEYS.iter().position(|key| *key == row.key).unwrap_or(usize::MAX));
            match &row.original {
                None => writer.number(0_u8),
                Some(original) => {
                    writer.number(1_u8);
                    writer.text(original);
                }
            }
            writer.number(u8::from(row.element));
        }
        writer.into_bytes()
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
