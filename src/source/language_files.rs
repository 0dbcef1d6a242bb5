//! Files of messages for further languages, one for each in a folder: `fr.yaml`, `pt-BR.yaml`. In a cluster the
//! folder is a mounted `ConfigMap`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use crate::messages::{LanguageTag, Languages, MessageFile, MessageFileError};

/// How often the files are read. A kubelet updates a mounted `ConfigMap` about once a minute.
const READ_INTERVAL: Duration = Duration::from_secs(5);
/// Most files that are read from the folder; the others become a problem.
const MAX_FILES: usize = 64;

/// A folder with a file for each language.
#[derive(Debug)]
pub struct LanguageFolder {
    folder: PathBuf,
    /// The files that were read last.
    files: BTreeMap<LanguageTag, LanguageFile>,
    problems: Vec<LanguageFileProblem>,
}

/// A file that was read, with its text to notice changes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LanguageFile {
    text: String,
    messages: MessageFile,
}

/// A problem with a file, or with a message in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageFileProblem {
    /// The path of the file.
    pub file: PathBuf,
    /// The mistake in a sentence, with the id of the message if it is about one.
    pub message: String,
}

impl LanguageFolder {
    /// Reads the files of a folder. Fails only if the folder cannot be listed; files with mistakes become problems.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut opened =
            Self { folder: folder.to_owned(), files: BTreeMap::new(), problems: Vec::new() };
        opened.read()?;
        Ok(opened)
    }

    /// The built-in languages with those of the files.
    pub fn languages(&self) -> Arc<Languages> {
        if self.files.is_empty() {
            return Languages::built_in();
        }
        let files = self.files.iter().map(|(tag, file)| (tag.clone(), file.messages.clone()));
        Arc::new(Languages::built_in().with_files(&files.collect()))
    }

    /// The number of messages that each file lacks, without those of built-in languages.
    pub fn missing(&self) -> impl Iterator<Item = (&LanguageTag, usize)> {
        let built_in = Languages::built_in();
        let is_new = move |tag: &LanguageTag| !built_in.tags().any(|known| known == tag);
        let new = self.files.iter().filter(move |(tag, _)| is_new(tag));
        new.map(|(tag, file)| (tag, file.messages.missing().count()))
    }

    /// The problems of the files.
    pub fn problems(&self) -> &[LanguageFileProblem] {
        &self.problems
    }

    /// Reads the files again. A file that is not a mapping of messages keeps its last texts.
    fn read(&mut self) -> io::Result<()> {
        let (mut files, mut problems) = (BTreeMap::new(), Vec::new());
        for file in message_files(&self.folder)? {
            let mut problem = |message: String| {
                problems.push(LanguageFileProblem { file: file.clone(), message });
            };
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let Some(tag) = LanguageTag::parse(stem) else {
                problem(
                    "the name must be that of a language, such as fr.yaml or pt-BR.yaml".into(),
                );
                continue;
            };
            if files.len() >= MAX_FILES {
                problem(format!("there are more than {MAX_FILES} files"));
                break;
            }
            let text = match fs::read_to_string(&file) {
                Ok(text) => text,
                Err(error) => {
                    problem(error.to_string());
                    files.extend(self.files.get(&tag).map(|last| (tag.clone(), last.clone())));
                    continue;
                }
            };
            let (messages, errors) = MessageFile::parse(&text);
            for error in &errors {
                problem(error.to_string());
            }
            let is_whole = |it: &MessageFileError| it.is_about_whole_file();
            let last = self.files.get(&tag).filter(|_| errors.iter().any(is_whole));
            let read = last.cloned().unwrap_or(LanguageFile { text, messages });
            files.insert(tag, read);
        }
        (self.files, self.problems) = (files, problems);
        Ok(())
    }

    /// Follows the files until the receiver is dropped.
    pub fn follow(self) -> watch::Receiver<Arc<Languages>> {
        self.report();
        let (languages, receiver) = watch::channel(self.languages());
        tokio::spawn(follow(self, languages));
        receiver
    }

    /// Logs a warning for each problem.
    fn report(&self) {
        for problem in &self.problems {
            let (file, error) = (problem.file.display(), &problem.message);
            tracing::warn!(%file, error, "a file of messages is not used as written");
        }
    }
}

async fn follow(mut folder: LanguageFolder, languages: watch::Sender<Arc<Languages>>) {
    let mut ticks = interval(READ_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = languages.closed() => return,
        }
        let (files, problems) = (folder.files.clone(), folder.problems.clone());
        let read = spawn_blocking(move || {
            // A folder that cannot be listed leaves everything as it is.
            let result = folder.read();
            (folder, result)
        });
        let Ok((now, result)) = read.await else { return };
        folder = now;
        if let Err(error) = result {
            tracing::debug!(file = %folder.folder.display(), %error, "a folder of messages cannot be listed");
            continue;
        }
        if folder.problems != problems {
            folder.report();
        }
        if folder.files != files {
            tracing::info!(file = %folder.folder.display(), "languages of pages changed");
            languages.send_replace(folder.languages());
        }
    }
}

/// The files of a folder in the order of their names. A mounted `ConfigMap` has others whose names begin
/// with a dot.
fn message_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !name.starts_with('.') && matches!(extension, Some("yaml" | "yml")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_languages_and_a_broken_one_keeps_what_it_had() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("written");
        };
        write("fr.yaml", "sign_in: Se connecter\nsign_inn: x");
        write(".hidden.yaml", "nothing: x");
        write("README.md", "text");
        write("french.yaml", "sign_in: x");
        let mut opened = LanguageFolder::open(folder.path()).expect("listed");
        let french = |opened: &LanguageFolder| {
            let languages = opened.languages();
            languages.by_ui_locales("fr-CA").map(|it| it.sign_in().to_owned())
        };
        assert_eq!(french(&opened).as_deref(), Some("Se connecter"));
        let problems: Vec<_> = opened
            .problems()
            .iter()
            .map(|it| (it.file.file_name().and_then(|it| it.to_str()).unwrap_or(""), &*it.message))
            .collect();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].0 == "fr.yaml" && problems[0].1.contains("sign_inn"), "{problems:?}");
        assert!(problems[1].0 == "french.yaml", "{problems:?}");
        write("fr.yaml", "sign_in: [");
        opened.read().expect("listed");
        assert_eq!(french(&opened).as_deref(), Some("Se connecter"));
        write("fr.yaml", "sign_in: Connexion");
        opened.read().expect("listed");
        assert_eq!(french(&opened).as_deref(), Some("Connexion"));
        fs::remove_file(folder.path().join("fr.yaml")).expect("removed");
        opened.read().expect("listed");
        assert_eq!(french(&opened), None);
    }
}
