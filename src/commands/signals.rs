//! The signals that stop the process: SIGTERM and SIGINT.

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// A receiver that becomes true at the first SIGTERM or SIGINT. The second one ends the process at
/// once.
pub(super) fn stop_signal() -> io::Result<watch::Receiver<bool>> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (asked, stop) = watch::channel(false);
    tokio::spawn(async move {
        let mut again = false;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if again {
                std::process::exit(130);
            }
            again = true;
            let _ = asked.send(true);
        }
    });
    Ok(stop)
}
