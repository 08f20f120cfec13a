//! Texts <-> the few bytes that are kept of each: zstd (RFC 8878) with dictionaries that are made of earlier texts.
//!
//! Entities of one catalog are alike, and each is too short to be compressed by what it says itself. So the first texts
//! are kept as they are, a dictionary is trained on some of them, and others when more texts have come by: who lists a
//! catalog from its beginning sees many of one kind first. What was packed stays with its dictionary.

use std::fmt;
use std::io::Cursor;
use std::ops::Range;

use zstd::bulk::{Compressor, Decompressor};

/// How many texts have come by when a dictionary is made of them.
const DICTIONARIES_AFTER: [usize; 4] = [1_024, 8_192, 32_768, 131_072];

/// Texts that a dictionary is made of, evenly spread. Training takes some 50 ms, four times in the life of an
/// instance.
const SAMPLES: usize = 256;
const MAX_SAMPLE_BYTES: usize = 8 * 1024;

const MAX_DICTIONARY_BYTES: usize = 32 * 1024;

/// As fast as level 1 for texts so short, and one tenth smaller.
const LEVEL: i32 = 3;

/// A text, packed or as it is.
#[derive(Debug)]
pub(super) struct Packed {
    bytes: Box<[u8]>,
    text_bytes: u32,
    /// `None`: as it is.
    dictionary: Option<u8>,
}

#[derive(Default)]
pub(super) struct Packer {
    seen: usize,
    /// One after the other, and how long each is.
    samples: Vec<u8>,
    sample_bytes: Vec<usize>,
    /// Dictionaries that were tried to be made.
    made: usize,
    /// With the newest dictionary, and its place.
    compressor: Option<(Compressor<'static>, u8)>,
    /// One for each dictionary.
    decompressors: Vec<Decompressor<'static>>,
}

impl Packed {
    pub(super) fn whole(text: &str) -> Self {
        Self { bytes: text.as_bytes().into(), text_bytes: 0, dictionary: None }
    }

    /// What is kept.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

impl Packer {
    /// Packs a text that is whole. Takes some microseconds, and now and then as long as a dictionary.
    pub(super) fn pack(&mut self, whole: Packed) -> Packed {
        self.learn(&whole.bytes);
        if let (Some((compressor, dictionary)), Ok(text_bytes)) = (&mut self.compressor, u32::try_from(whole.len()))
            && let Ok(bytes) = compressor.compress(&whole.bytes)
            && bytes.len() < whole.len()
        {
            return Packed { bytes: bytes.into(), text_bytes, dictionary: Some(*dictionary) };
        }
        whole
    }

    /// Puts the text behind what there is, and says where. `None` never comes of what [`Self::pack`] of this packer gave.
    pub(super) fn unpack(&mut self, packed: &Packed, behind: &mut Cursor<Vec<u8>>) -> Option<Range<usize>> {
        let start = behind.get_ref().len();
        behind.set_position(u64::try_from(start).ok()?);
        match packed.dictionary {
            None => behind.get_mut().extend_from_slice(&packed.bytes),
            Some(dictionary) => {
                let decompressor = self.decompressors.get_mut(usize::from(dictionary))?;
                behind.get_mut().reserve(usize::try_from(packed.text_bytes).ok()?);
                decompressor.decompress_to_buffer(&packed.bytes, behind).ok()?;
            }
        }
        Some(start..behind.get_ref().len())
    }

    fn learn(&mut self, text: &[u8]) {
        let Some(after) = DICTIONARIES_AFTER.get(self.made) else { return };
        if self.seen.is_multiple_of(after / SAMPLES) {
            let sample = &text[..text.len().min(MAX_SAMPLE_BYTES)];
            self.samples.extend_from_slice(sample);
            self.sample_bytes.push(sample.len());
        }
        self.seen += 1;
        if self.seen >= *after {
            self.made += 1;
            self.add_dictionary();
            (self.samples, self.sample_bytes) = (Vec::new(), Vec::new());
        }
    }

    /// Without one, texts are kept as before.
    fn add_dictionary(&mut self) {
        let trained = zstd::dict::from_continuous(&self.samples, &self.sample_bytes, MAX_DICTIONARY_BYTES);
        // Too little to be trained on is a dictionary by itself.
        let dictionary = trained
            .unwrap_or_else(|_| self.samples[self.samples.len().saturating_sub(MAX_DICTIONARY_BYTES)..].to_vec());
        let compressor = Compressor::with_dictionary(LEVEL, &dictionary).and_then(|mut compressor| {
            // Which one it is stands beside the bytes.
            compressor.include_dictid(false)?;
            Ok(compressor)
        });
        if let (Ok(compressor), Ok(decompressor), Ok(place)) =
            (compressor, Decompressor::with_dictionary(&dictionary), u8::try_from(self.decompressors.len()))
        {
            self.compressor = Some((compressor, place));
            self.decompressors.push(decompressor);
        }
    }
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer")
            .field("seen", &self.seen)
            .field("dictionaries", &self.decompressors.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are the same in every run, and as good as random.
    fn number(seed: usize) -> u64 {
        let mut x = u64::try_from(seed).unwrap().wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Some 1,200 bytes, of which a hundred are in no other.
    fn entity(seed: usize) -> String {
        const WORDS: [&str; 8] = ["billing", "ledger", "orders", "routes", "serves", "stores", "validates", "vertex"];
        let word = |n: usize| WORDS[usize::try_from(number(seed * 31 + n) % 8).unwrap()];
        let words: Vec<&str> = (0..12).map(word).collect();
        let name = format!("{}-{}-{seed:06}", word(20), word(21));
        let annotations: Vec<String> = ["managed-by-location", "managed-by-origin-location", "source-location"]
            .map(|of| {
                format!(r#""backstage.io/{of}":"url:https://git.example.com/org/{name}/blob/main/catalog-info.yaml""#)
            })
            .into();
        format!(
            r#"{{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{{"annotations":{{{},"sonarqube.org/project-key":"org_{name}"}},"description":"{}","etag":"{:016x}{:016x}","name":"{name}","namespace":"default","tags":["edge","kafka"],"title":"{name}","uid":"{:016x}"}},"relations":[{{"targetRef":"group:default/team-{}","type":"ownedBy"}},{{"targetRef":"system:default/{}-{}","type":"partOf"}}],"spec":{{"lifecycle":"production","owner":"group:default/team-{}","system":"{}","type":"service"}}}}"#,
            annotations.join(","),
            words.join(" "),
            number(seed * 7),
            number(seed * 7 + 1),
            number(seed * 7 + 2),
            word(22),
            word(23),
            seed % 500,
            word(22),
            word(23),
        )
    }

    fn text_of(packer: &mut Packer, packed: &Packed) -> String {
        let mut text = Cursor::new(b"before".to_vec());
        let place = packer.unpack(packed, &mut text).unwrap();
        let text = String::from_utf8(text.into_inner()).unwrap();
        assert_eq!((place.start, place.end), ("before".len(), text.len()));
        text["before".len()..].to_owned()
    }

    #[test]
    fn every_text_comes_back_whatever_came_before_it() {
        let long: String = (0..3_000).map(entity).collect();
        let odd = [
            "",
            "x",
            "{}",
            "\u{0}",
            "\u{1f3ad} \u{e9}\u{fffd}",
            &"\u{1f3ad}".repeat(5_000),
            &"a".repeat(70_000),
            &long,
        ];
        let mut packer = Packer::default();
        let mut kept = Vec::new();
        for (round, after) in DICTIONARIES_AFTER.iter().enumerate() {
            kept.extend(odd.iter().map(|text| ((*text).to_owned(), packer.pack(Packed::whole(text)))));
            for seed in 0..DICTIONARIES_AFTER[0] {
                let text = entity(seed);
                let packed = packer.pack(Packed::whole(&text));
                if seed % 97 == 0 {
                    kept.push((text, packed));
                }
            }
            packer.seen = packer.seen.max(after - 1);
            kept.push(("{}".to_owned(), packer.pack(Packed::whole("{}"))));
            assert_eq!(packer.decompressors.len(), round + 1);
        }
        kept.extend(odd.iter().map(|text| ((*text).to_owned(), packer.pack(Packed::whole(text)))));
        for (text, packed) in &kept {
            assert!(text_of(&mut packer, packed) == *text, "{}", text.chars().take(40).collect::<String>());
        }
        let dictionaries: std::collections::BTreeSet<_> = kept.iter().map(|(_, packed)| packed.dictionary).collect();
        assert_eq!(dictionaries.into_iter().collect::<Vec<_>>(), [None, Some(0), Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn texts_that_are_alike_take_a_quarter_at_most() {
        let mut packer = Packer::default();
        (0..DICTIONARIES_AFTER[0]).for_each(|seed| drop(packer.pack(Packed::whole(&entity(seed)))));
        let (mut texts, mut kept) = (0, 0);
        for seed in 500_000..501_000 {
            let text = entity(seed);
            texts += text.len();
            kept += packer.pack(Packed::whole(&text)).len();
        }
        assert!(kept * 4 < texts, "{kept} of {texts}");
    }

    #[test]
    fn a_dictionary_is_made_even_of_texts_that_say_nothing() {
        for text in ["", "x", "{}"] {
            let mut packer = Packer::default();
            let kept: Vec<Packed> = (0..2_000).map(|_| packer.pack(Packed::whole(text))).collect();
            assert!(kept.iter().all(|packed| text_of(&mut packer, packed) == text));
        }
    }
}
