//! The socket file and its directory.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use humanlayer::ipc::{BindError, bind};

#[tokio::test]
async fn only_the_owner_can_connect_and_the_file_goes_with_the_listener() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = bind(&path).unwrap();
    assert_eq!(listener.path(), path);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(listener);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_path_that_does_not_fit_is_refused_with_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let error = bind(&directory.path().join("s".repeat(200))).unwrap_err();
    assert!(matches!(error, BindError::PathTooLong { .. }), "{error}");
    assert!(
        error.to_string().contains("HUMANLAYER_DAEMON_SOCKET"),
        "{error}"
    );

    let longest = humanlayer::ipc::listener::MAX_PATH_BYTES;
    let room = longest - directory.path().as_os_str().len() - 1;
    bind(&directory.path().join("s".repeat(room))).unwrap();
    assert!(bind(&directory.path().join("s".repeat(room + 1))).is_err());
}

#[tokio::test]
async fn a_file_in_the_way_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    fs::write(&path, "precious").unwrap();
    let error = bind(&path).unwrap_err();
    assert!(matches!(error, BindError::TakenByFile { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn a_dead_processs_socket_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    bind(&path).unwrap();
}

#[tokio::test]
async fn a_served_socket_is_left_alone_even_if_it_accepts_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let served = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&served, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&served, 0).unwrap();
    // Each try takes a place in the backlog until it is full.
    for _ in 0..4 {
        let error = bind(&path).unwrap_err();
        assert!(matches!(error, BindError::AlreadyServed { .. }), "{error}");
    }
    assert!(path.exists());
}

#[tokio::test]
async fn a_directory_that_others_can_write_or_that_is_missing_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for mode in [0o770, 0o702, 0o1777] {
        fs::set_permissions(directory.path(), Permissions::from_mode(mode)).unwrap();
        let error = bind(&directory.path().join("s")).unwrap_err();
        assert!(
            matches!(error, BindError::UnsafeDirectory { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("chmod 700"), "{error}");
    }
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    bind(&directory.path().join("s")).unwrap();

    let error = bind(&directory.path().join("no/s")).unwrap_err();
    assert!(matches!(error, BindError::NoDirectory { .. }), "{error}");
    fs::write(directory.path().join("file"), "").unwrap();
    let error = bind(&directory.path().join("file/s")).unwrap_err();
    assert!(!matches!(error, BindError::AlreadyServed { .. }), "{error}");
}

#[tokio::test]
async fn another_daemons_socket_is_not_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let ours = bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let theirs = bind(&path).unwrap();
    drop(ours);
    assert!(path.exists());
    drop(theirs);
    assert!(!path.exists());
}
