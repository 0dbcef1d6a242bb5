//! A stand-in for a Service: one address that sends connections to the ready replicas in turn.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// Interval between readiness checks of all replicas.
const PERIOD: Duration = Duration::from_millis(100);

/// An address in front of replicas, open until the test process ends.
pub struct LoadBalancer {
    /// The port that it listens on.
    pub port: u16,
    /// Ports and admin ports of all replicas.
    all: Arc<Mutex<Vec<(u16, u16)>>>,
    ready: Arc<Mutex<Vec<u16>>>,
    /// The number of readiness checks so far.
    looks: Arc<AtomicUsize>,
}

impl LoadBalancer {
    /// Starts a load balancer without replicas, so it closes every connection.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (all, ready, looks) = (Arc::default(), Arc::default(), Arc::default());
        let service = Self { port, all, ready, looks };
        let (all, ready) = (Arc::clone(&service.all), Arc::clone(&service.ready));
        let looks = Arc::clone(&service.looks);
        thread::spawn(move || {
            loop {
                let listed = all.lock().expect("not poisoned").clone();
                let well = those_ready(&listed);
                *ready.lock().expect("not poisoned") = well;
                looks.fetch_add(1, Ordering::SeqCst);
                thread::sleep(PERIOD);
            }
        });
        let (ready, next) = (Arc::clone(&service.ready), AtomicUsize::new(0));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let ready = ready.lock().expect("not poisoned").clone();
                let turn = next.fetch_add(1, Ordering::SeqCst);
                let Some(port) = ready.get(turn % ready.len().max(1)) else { continue };
                if let Ok(server) = TcpStream::connect(("127.0.0.1", *port)) {
                    let back = (server.try_clone().expect("one"), client.try_clone().expect("one"));
                    copy(client, server);
                    copy(back.0, back.1);
                }
            }
        });
        service
    }

    /// Adds a replica, which gets connections once it is ready.
    pub fn add(&self, port: u16, admin: u16) {
        self.all.lock().expect("not poisoned").push((port, admin));
    }

    /// The number of ready replicas, from a check that began after the call. It does not count a
    /// replica that was killed before the call, which gets no connections any more.
    pub fn ready(&self) -> usize {
        let before = self.looks.load(Ordering::SeqCst);
        while self.looks.load(Ordering::SeqCst) < before + 2 {
            thread::sleep(PERIOD / 10);
        }
        self.ready.lock().expect("not poisoned").len()
    }
}

/// Checks all replicas at once, so that a slow answer does not keep a dead replica in the list.
fn those_ready(listed: &[(u16, u16)]) -> Vec<u16> {
    thread::scope(|scope| {
        let asked: Vec<_> = listed
            .iter()
            .map(|(port, admin)| (port, scope.spawn(move || is_ready(*admin))))
            .collect();
        let well = asked.into_iter().filter_map(|(port, it)| it.join().ok()?.then_some(*port));
        well.collect()
    })
}

fn is_ready(admin: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", admin))?;
        stream.set_read_timeout(Some(Duration::from_secs(3)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Copies one direction until either side ends.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}
