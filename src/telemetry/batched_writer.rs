//! Batches log lines, because the system call for a line costs more than formatting it. Warnings and
//! errors are written at once.

use std::{
    fmt,
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The longest time that a line is buffered. A killed process loses at most these lines.
const FLUSH_INTERVAL: Duration = Duration::from_millis(10);
/// Maximum bytes in the buffer. The thread that exceeds it writes the buffer.
const MAX_BATCH_BYTES: usize = 64 * 1024;

/// The buffer, and the output.
struct BufferedLog {
    /// Lines not yet written, in order.
    bytes: Mutex<Vec<u8>>,
    /// Signalled when the first line is added.
    some: Condvar,
    /// Locked while lines are written, which preserves their order.
    out: Mutex<Box<dyn Write + Send>>,
}

/// A log writer. Clones share the buffer and the output.
#[derive(Clone)]
pub(super) struct BatchedWriter(Arc<BufferedLog>);

/// Writes the remaining lines when it is dropped.
#[must_use = "buffered lines are lost without it"]
pub struct LogGuard(BatchedWriter);

impl BatchedWriter {
    /// Starts the writing thread for `out`. The guard writes the last lines.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<(Self, LogGuard)> {
        let lines = Self(Arc::new(BufferedLog {
            bytes: Mutex::default(),
            some: Condvar::new(),
            out: Mutex::new(Box::new(out)),
        }));
        let its = lines.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || its.write_together())?;
        Ok((lines.clone(), LogGuard(lines)))
    }

    fn write_together(&self) -> ! {
        loop {
            let nothing = |bytes: &mut Vec<u8>| bytes.is_empty();
            drop(self.0.some.wait_while(self.bytes(), nothing));
            thread::sleep(FLUSH_INTERVAL);
            self.flush();
        }
    }

    fn push(&self, line: &[u8]) -> usize {
        let mut bytes = self.bytes();
        if bytes.is_empty() {
            self.0.some.notify_one();
        }
        bytes.extend_from_slice(line);
        bytes.len()
    }

    fn flush(&self) {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = mem::take(&mut *self.bytes());
        // A failure to write the log cannot be reported.
        let _ = out.write_all(&bytes).and_then(|()| out.flush());
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.0.flush();
    }
}

impl fmt::Debug for LogGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogGuard").finish_non_exhaustive()
    }
}

/// A line of the log.
pub(super) struct LogLine<'l> {
    lines: &'l BatchedWriter,
    urgent: bool,
}

impl<'l> MakeWriter<'l> for BatchedWriter {
    type Writer = LogLine<'l>;

    fn make_writer(&'l self) -> LogLine<'l> {
        LogLine { lines: self, urgent: true }
    }

    fn make_writer_for(&'l self, of: &Metadata<'_>) -> LogLine<'l> {
        LogLine { lines: self, urgent: *of.level() <= Level::WARN }
    }
}

impl Write for LogLine<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let waiting = self.lines.push(line);
        if self.urgent || waiting > MAX_BATCH_BYTES {
            self.lines.flush();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tracing_subscriber::{fmt, layer::SubscriberExt};

    use super::*;

    /// An output that sends each write to a channel.
    struct ChannelWriter(mpsc::Sender<String>);

    impl Write for ChannelWriter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).map_err(io::Error::other)?;
            self.0.send(text).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logging(log: impl FnOnce()) -> (mpsc::Receiver<String>, LogGuard) {
        let (told, written) = mpsc::channel();
        let (lines, guard) = BatchedWriter::start(ChannelWriter(told)).expect("a thread");
        let layer = fmt::layer().with_writer(lines).without_time().with_target(false);
        let subscriber = tracing_subscriber::registry().with(layer.with_ansi(false));
        tracing::subscriber::with_default(subscriber, log);
        (written, guard)
    }

    #[test]
    fn a_single_line_is_written() {
        let (written, _guard) = logging(|| tracing::info!("one"));
        assert_eq!(written.recv().as_deref(), Ok(" INFO one\n"));
    }

    #[test]
    fn a_warning_flushes_the_buffer_at_once() {
        let (written, _guard) = logging(|| {
            tracing::info!("before");
            tracing::warn!("wrong");
        });
        let all: String = written.try_iter().collect();
        assert_eq!(all, " INFO before\n WARN wrong\n");
    }

    #[test]
    fn the_guard_writes_buffered_lines() {
        let (written, guard) = logging(|| tracing::info!("last"));
        drop(guard);
        assert_eq!(written.try_iter().collect::<String>(), " INFO last\n");
    }

    #[test]
    fn the_buffer_is_bounded() {
        let (told, written) = mpsc::channel();
        let (lines, _guard) = BatchedWriter::start(ChannelWriter(told)).expect("a thread");
        let line = [b'x'; 1024];
        for _ in 0..200 {
            LogLine { lines: &lines, urgent: false }.write_all(&line).expect("it takes all");
            assert!(lines.bytes().len() <= MAX_BATCH_BYTES + line.len());
        }
        lines.flush();
        assert_eq!(written.try_iter().map(|text| text.len()).sum::<usize>(), 200 * line.len());
    }
}
