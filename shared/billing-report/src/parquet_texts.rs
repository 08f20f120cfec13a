//! A column of texts -> the numbers of its texts. A text of a dictionary is looked up once, not once a row.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, StringArray};
use arrow_schema::DataType;

use crate::MAX_FIELD_BYTES;
use crate::error::ReportError;
use crate::names::{Name, Names};

/// Numbers of the texts of the dictionary that was met last. It is kept, so that another one is known by its place in memory.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    dictionary: Option<StringArray>,
    names: Vec<Name>,
}

pub(crate) fn is_text(found: &DataType) -> bool {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(keys, values) => **keys == DataType::Int32 && **values == DataType::Utf8,
        _ => false,
    }
}

/// Blank for null.
pub(crate) fn text_at(array: &dyn Array, at: usize) -> &str {
    if array.is_null(at) {
        return "";
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(at),
        DataType::LargeUtf8 => array.as_string::<i64>().value(at),
        DataType::Utf8View => array.as_string_view().value(at),
        DataType::Dictionary(..) => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let key = usize::try_from(dictionary.keys().value(at)).unwrap_or(usize::MAX);
            let values = dictionary.values();
            if key < values.len() { text_at(values, key) } else { "" }
        }
        _ => "",
    }
}

impl Texts {
    /// Looks up what `array` has for a dictionary, if it is another one than before.
    ///
    /// # Errors
    /// Fails on a text of more than [`MAX_FIELD_BYTES`].
    pub(crate) fn fill(&mut self, array: &dyn Array, first_row: u64, names: &mut Names) -> Result<(), ReportError> {
        let too_long = || ReportError::FieldTooLong { row: first_row, limit: MAX_FIELD_BYTES };
        if !matches!(array.data_type(), DataType::Dictionary(..)) {
            let long = (0..array.len()).any(|at| text_at(array, at).len() > MAX_FIELD_BYTES);
            return if long { Err(too_long()) } else { Ok(()) };
        }
        let values = array.as_dictionary::<Int32Type>().values().as_string::<i32>();
        if self.dictionary.as_ref().is_some_and(|known| is_same(known, values)) {
            return Ok(());
        }
        self.names.clear();
        for at in 0..values.len() {
            let text = text_at(values, at);
            if text.len() > MAX_FIELD_BYTES {
                return Err(too_long());
            }
            self.names.push(names.number(text.trim()));
        }
        self.dictionary = Some(values.clone());
        Ok(())
    }

    fn name_at(&self, array: &dyn Array, at: usize, names: &mut Names) -> Name {
        match array.data_type() {
            DataType::Dictionary(..) if array.is_null(at) => Names::BLANK,
            DataType::Dictionary(..) => self.of_key(array.as_dictionary::<Int32Type>().keys().value(at)),
            _ => names.number(text_at(array, at).trim()),
        }
    }

    /// Of all rows, without asking each of them what the column is.
    pub(crate) fn names_of(&self, array: &dyn Array, names: &mut Names, found: &mut Vec<Name>) {
        found.clear();
        if array.null_count() == array.len() {
            found.resize(array.len(), Names::BLANK);
            return;
        }
        match array.data_type() {
            DataType::Dictionary(..) => {
                let keys = array.as_dictionary::<Int32Type>().keys();
                match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
                    None => found.extend(keys.values().iter().map(|key| self.of_key(*key))),
                    Some(nulls) => {
                        let name = |(key, valid): (&i32, bool)| if valid { self.of_key(*key) } else { Names::BLANK };
                        found.extend(keys.values().iter().zip(nulls.iter()).map(name));
                    }
                }
            }
            DataType::Utf8View if array.null_count() == 0 => {
                let texts = array.as_string_view();
                found.extend((0..texts.len()).map(|at| names.number(texts.value(at).trim())));
            }
            _ => found.extend((0..array.len()).map(|at| self.name_at(array, at, names))),
        }
    }

    fn of_key(&self, key: i32) -> Name {
        usize::try_from(key).ok().and_then(|key| self.names.get(key)).copied().unwrap_or(Names::BLANK)
    }
}

fn is_same(one: &StringArray, other: &StringArray) -> bool {
    one.len() == other.len()
        && one.values().as_ptr() == other.values().as_ptr()
        && one.value_offsets().as_ptr() == other.value_offsets().as_ptr()
        && one.null_count() == other.null_count()
}
