//! YAML and JSON of other programs, read as manifests are.

use serde_json::Value;

use super::{
    documents::{DocumentError, ManifestDocument, split_documents},
    yaml::YamlPathStep,
};

/// A text of another program cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ForeignDocumentError {
    /// The first document is neither YAML nor JSON; the message has its line.
    #[error("{0}")]
    Unreadable(String),
    /// The text has no value.
    #[error("is empty")]
    Empty,
}

impl From<&DocumentError> for ForeignDocumentError {
    fn from(error: &DocumentError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// The first document of a text, with the lines of its fields.
#[derive(Debug)]
pub struct ForeignDocument<'t> {
    document: ManifestDocument<'t>,
    /// The value of the document as JSON, which is not null.
    pub value: Value,
}

impl<'t> ForeignDocument<'t> {
    /// Reads the first document that is not empty.
    ///
    /// # Errors
    ///
    /// The text cannot be read or has no value.
    pub fn read(text: &'t str) -> Result<Self, ForeignDocumentError> {
        for mut document in split_documents(text) {
            match &mut document.content {
                Err(error) => return Err((&*error).into()),
                Ok(content) if content.value.is_null() => {}
                Ok(content) => {
                    let value = content.value.take();
                    return Ok(Self { document, value });
                }
            }
        }
        Err(ForeignDocumentError::Empty)
    }

    /// The lines of fields, given by JSON pointers (RFC 6901); the nearest parent's if a field does
    /// not exist.
    pub fn field_lines<'p>(&self, pointers: impl Iterator<Item = &'p str>) -> Vec<Option<usize>> {
        let paths: Vec<Vec<YamlPathStep>> =
            pointers.map(|pointer| self.pointer_path(pointer)).collect();
        self.document.field_lines(&paths)
    }

    fn pointer_path(&self, pointer: &str) -> Vec<YamlPathStep> {
        let mut path = Vec::new();
        let mut parent = Some(&self.value);
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let index: Option<usize> =
                parent.filter(|parent| parent.is_array()).and_then(|_| step.parse().ok());
            parent = match index {
                Some(index) => parent.and_then(|parent| parent.get(index)),
                None => parent.and_then(|parent| parent.get(&step)),
            };
            path.push(index.map_or(YamlPathStep::Key(step), YamlPathStep::Index));
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_lines_in_yaml_and_json() {
        let yaml = "# Dex\n---\na:\n- b: 1\n  c: 2\nd/e: 3\n";
        let json = "{\n \"a\": [\n  {\"b\": 1,\n   \"c\": 2}],\n \"d/e\": 3}";
        for (text, expected) in [(yaml, [5, 6, 5]), (json, [4, 5, 4])] {
            let document = ForeignDocument::read(text).expect("a document");
            assert_eq!(document.value["a"][0]["c"], 2);
            let lines = document.field_lines(["/a/0/c", "/d~1e", "/a/0/c/x"].into_iter());
            assert_eq!(lines, expected.map(Some), "{text}");
        }
        assert!(ForeignDocument::read("# nothing").is_err());
        assert!(ForeignDocument::read("a: [").is_err());
    }
}
