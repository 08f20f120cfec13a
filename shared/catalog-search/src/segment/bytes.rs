//! Numbers and texts <-> bytes of a block. Every length is checked against what is left before anything is allocated.

use crate::segment::SegmentError;

/// A block that is being written.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// LEB128: seven bits a byte, the lowest first.
    pub(crate) fn number(&mut self, number: impl TryInto<u64>) {
        let mut left = number.try_into().unwrap_or(u64::MAX);
        while left >= 0x80 {
            self.bytes.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
            left >>= 7;
        }
        self.bytes.push(u8::try_from(left).unwrap_or_default());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len());
        self.raw(text.as_bytes());
    }

    /// Numbers that rise, each as its distance from the one before.
    pub(crate) fn rising(&mut self, numbers: &[u32]) {
        self.number(numbers.len());
        let mut before = 0;
        for number in numbers {
            self.number(number - before);
            before = *number;
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// A block that is being read.
#[derive(Debug)]
pub(crate) struct Reader<'b> {
    block: &'static str,
    left: &'b [u8],
}

impl<'b> Reader<'b> {
    /// `block` is what an error names.
    pub(crate) fn new(block: &'static str, bytes: &'b [u8]) -> Self {
        Self { block, left: bytes }
    }

    pub(crate) fn wrong(&self, detail: &'static str) -> SegmentError {
        SegmentError::Block { block: self.block, detail }
    }

    pub(crate) fn number(&mut self) -> Result<u64, SegmentError> {
        let mut number: u64 = 0;
        for shift in (0..64).step_by(7) {
            let [byte, rest @ ..] = self.left else { return Err(self.wrong("it ends inside a number")) };
            self.left = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.wrong("a number has more than 64 bits"))
    }

    pub(crate) fn small(&mut self) -> Result<u32, SegmentError> {
        let number = self.number()?;
        u32::try_from(number).map_err(|_| self.wrong("a number has more than 32 bits"))
    }

    /// How many things follow. Each takes a byte at least, so that a count that cannot be true is refused here.
    pub(crate) fn count(&mut self) -> Result<usize, SegmentError> {
        let number = self.number()?;
        let count = usize::try_from(number).ok().filter(|count| *count <= self.left.len());
        count.ok_or_else(|| self.wrong("it names more things than it has bytes"))
    }

    pub(crate) fn raw(&mut self, bytes: usize) -> Result<&'b [u8], SegmentError> {
        let Some((taken, rest)) = self.left.split_at_checked(bytes) else {
            return Err(self.wrong("it ends inside a value"));
        };
        self.left = rest;
        Ok(taken)
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, SegmentError> {
        let bytes = self.count()?;
        let raw = self.raw(bytes)?;
        std::str::from_utf8(raw).map_err(|_| self.wrong("a text is not UTF-8"))
    }

    /// Numbers that rise, all below `end`, put behind what `numbers` holds.
    pub(crate) fn rising_into(&mut self, end: u32, numbers: &mut Vec<u32>) -> Result<(), SegmentError> {
        let count = self.count()?;
        numbers.reserve(count);
        let mut before: Option<u32> = None;
        for _ in 0..count {
            let step = self.small()?;
            let next = match before {
                None => Some(step),
                Some(before) if step > 0 => before.checked_add(step),
                Some(_) => None,
            };
            let next =
                next.filter(|next| *next < end).ok_or_else(|| self.wrong("its numbers do not rise within bounds"))?;
            numbers.push(next);
            before = Some(next);
        }
        Ok(())
    }

    pub(crate) fn rising(&mut self, end: u32) -> Result<Vec<u32>, SegmentError> {
        let mut numbers = Vec::new();
        self.rising_into(end, &mut numbers)?;
        Ok(numbers)
    }

    pub(crate) fn end(self) -> Result<(), SegmentError> {
        if self.left.is_empty() { Ok(()) } else { Err(self.wrong("it has bytes behind its end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_read_back() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX];
        let mut writer = Writer::default();
        numbers.into_iter().for_each(|number| writer.number(number));
        let bytes = writer.into_bytes();
        let mut reader = Reader::new("test", &bytes);
        for number in numbers {
            assert_eq!(reader.number().unwrap(), number);
        }
        reader.end().unwrap();
    }

    #[test]
    fn what_cannot_be_true_is_refused_before_it_is_allocated() {
        let mut writer = Writer::default();
        writer.number(u64::MAX);
        let bytes = writer.into_bytes();
        assert!(Reader::new("test", &bytes).count().is_err());
        assert!(Reader::new("test", &bytes).small().is_err());
        assert!(Reader::new("test", &[0xff; 11]).number().is_err());
        assert!(Reader::new("test", &[2, 5, 0]).rising(10).is_err(), "a number that does not rise");
        assert!(Reader::new("test", &[2, 5, 5]).rising(10).is_err(), "a number beyond the end");
        assert_eq!(Reader::new("test", &[2, 5, 4]).rising(10).unwrap(), [5, 9]);
        assert!(Reader::new("test", &[1, 0xff]).text().is_err());
    }
}
