//! Polygons; what is expected is what SQLite answers.

use turso_value::Value;

use super::{Overlap, Place, Polygon, overlap, sine};

fn polygon(text: &str) -> Option<Polygon> {
    Polygon::of(&Value::from(text))
}

fn square(x: f32, y: f32, side: f32) -> Polygon {
    Polygon::new(vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side]]).unwrap()
}

#[test]
fn texts_are_arrays_of_corners_that_close() {
    assert_eq!(polygon("[[0,0],[1,0],[.5,1],[0,0]]").unwrap().corners(), [[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]]);
    assert_eq!(polygon(" [ [0 , -0.5e1,9 ] , [1,0],[5,1],[0,-5]] ").unwrap().corners()[0], [0.0, -5.0]);
    for wrong in [
        "",
        "[]",
        "[[0,0],[1,0],[0.5,1]]",
        "[[0,0],[1,0],[0,0]]",
        "[[0,0],[1,0],[0.5,1],[0.1,0]]",
        "[[0,0],[1,0],[05,1],[0,0]]",
        "[[0,0],[1,0],[5.,1],[0,0]]",
        "[[0,0],[1,0],[5,+1],[0,0]]",
        "[[0,0],[1,0,\"a\"],[5,1],[0,0]]",
        "[[0,0],[1,0],[5,1],[0,0]]x",
        "[[0,0],[1,0],[5,1],[0,0]",
        "[[0],[1,0],[5,1],[0,0]]",
        "[[0,0],\u{c}[1,0],[5,1],[0,0]]",
    ] {
        assert_eq!(polygon(wrong), None, "{wrong}");
    }
}

#[test]
fn blobs_have_either_byte_order() {
    let triangle = polygon("[[0,0],[1,0],[0.5,1],[0,0]]").unwrap();
    let blob = triangle.to_blob();
    assert_eq!(blob[..8], [1, 0, 0, 3, 0, 0, 0, 0]);
    assert_eq!(Polygon::of(&Value::Blob(blob.clone())), Some(triangle.clone()));
    let mut swapped = vec![0, 0, 0, 3];
    swapped.extend(triangle.corners().iter().flatten().flat_map(|c| c.to_be_bytes()));
    assert_eq!(Polygon::of(&Value::Blob(swapped)), Some(triangle));
    for wrong in [&blob[..blob.len() - 1], &[1, 0, 0, 0], &[1, 0], &[]] {
        assert_eq!(Polygon::of(&Value::blob(wrong)), None);
    }
}

#[test]
fn areas_tell_the_direction() {
    let triangle = polygon("[[0,0],[1,0],[0.5,1],[0,0]]").unwrap();
    assert_eq!(triangle.area(), 0.5);
    assert_eq!(triangle.clone().reversed().area(), -0.5);
    assert_eq!(triangle.reversed().corners(), [[0.0, 0.0], [0.5, 1.0], [1.0, 0.0]]);
}

#[test]
fn points_lie_inside_outside_or_on_the_border() {
    let four = square(0.0, 0.0, 4.0);
    for (x, y, place) in [
        (1.0, 1.0, Place::Inside),
        (0.0, 1.0, Place::Border),
        (4.0, 1.0, Place::Border),
        (4.0, 4.0, Place::Border),
        (2.0, 0.0, Place::Border),
        (5.0, 4.0, Place::Outside),
        (2.0, 4.1, Place::Outside),
        (2.0, -0.1, Place::Outside),
    ] {
        assert_eq!(four.place_of(x, y), place, "{x}, {y}");
    }
}

#[test]
fn polygons_overlap_by_their_areas() {
    let four = square(0.0, 0.0, 4.0);
    for (other, expected) in [
        (square(1.0, 1.0, 1.0), Overlap::SecondInFirst),
        (square(0.0, 0.0, 2.0), Overlap::SecondInFirst),
        (square(-1.0, -1.0, 9.0), Overlap::FirstInSecond),
        (square(0.0, 0.0, 4.0), Overlap::Same),
        (square(5.0, 5.0, 1.0), Overlap::None),
        (square(3.0, 3.0, 3.0), Overlap::Partly),
        (square(4.0, 0.0, 2.0), Overlap::None),
        (square(4.0, 4.0, 2.0), Overlap::None),
    ] {
        assert_eq!(overlap(&four, &other).unwrap(), expected, "{other:?}");
    }
    // A star whose notch holds a square without touching it.
    let notched = polygon("[[0,0],[8,0],[8,8],[4,1],[0,8],[0,0]]").unwrap();
    assert_eq!(overlap(&notched, &square(3.5, 5.0, 1.0)).unwrap(), Overlap::None);
    assert_eq!(overlap(&notched, &square(3.5, 0.5, 1.0)).unwrap(), Overlap::Partly);
}

/// A zigzag of long sides, all of which cross those of one that lies across.
#[test]
fn what_crosses_too_often_is_an_error() {
    let zigzag = |sides: usize, across: bool| {
        let corners = (0..sides).map(|i| (i as f64, if i % 2 == 0 { 0.0 } else { sides as f64 }));
        let written: Vec<String> = [(0.0, 0.0)]
            .into_iter()
            .chain(corners.skip(1))
            .chain([(sides as f64, -1.0), (0.0, 0.0)])
            .map(|(x, y)| if across { format!("[{y},{x}]") } else { format!("[{x},{y}]") })
            .collect();
        polygon(&format!("[{}]", written.join(","))).unwrap()
    };
    assert_eq!(overlap(&zigzag(100, false), &zigzag(100, true)).unwrap(), Overlap::Partly);
    let error = overlap(&zigzag(3000, false), &zigzag(3000, true)).unwrap_err();
    assert_eq!(error.code(), turso_error::ResultCode::TOOBIG);
}

#[test]
fn the_sine_is_that_of_sqlite() {
    let quarter = std::f64::consts::FRAC_PI_2;
    let rounded = |angle: f64| (sine(angle) * 1e5).round() / 1e5;
    assert_eq!([0.0, 1.0, 2.0, 3.0].map(|n| rounded(n * quarter)), [0.0, 1.00007, 0.0, -1.00007]);
    assert_eq!(rounded(-quarter), -1.00007);
}
