import { fireEvent, screen } from "@testing-library/react";
import { Failure } from "src/api/client";
import { FailureNotice } from "src/parts/FailureNotice";
import { JsonView } from "src/parts/JsonView";
import { sanitised } from "src/parts/Markdown";
import { Time } from "src/parts/Time";
import { ErrorBoundary } from "src/shell/ErrorBoundary";
import { show } from "src/testing/render";
import { describe, expect, it, vi } from "vitest";

function html(text: string): string {
  const place = document.createElement("div");
  place.append(sanitised(text));
  return place.innerHTML;
}

describe("Markdown", () => {
  it("keeps what text needs", () => {
    expect(html("**a** `b`\n\n- c")).toContain("<strong>a</strong>");
    expect(html("[x](https://example.org)")).toContain('rel="noopener noreferrer nofollow"');
  });

  it.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://elsewhere.example/pixel.png)",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    '<a href="//elsewhere.example">x</a>',
    "<iframe src=https://elsewhere.example></iframe>",
    "<form action=https://elsewhere.example><input name=a></form>",
    '<p style="position:fixed" onclick="alert(1)">x</p>',
    "<svg><animate onbegin=alert(1)></svg>",
    "<math><mi//xlink:href='javascript:alert(1)'>",
    '<p id="root" name="x">y</p>',
  ])("drops what %s would do", (text) => {
    expect(html(text)).not.toMatch(
      /script|onerror|<img|javascript:|href="(?:data:|\/\/)|<iframe|<form|<input|style=|on\w+=|<svg|<math|id=/i,
    );
  });
});

describe("JsonView", () => {
  it("shows values as text and folds", () => {
    const { container } = show(<JsonView value={{ a: "<b>x</b>", deep: { list: [1, 2] } }} />);
    expect(container.querySelector("b")).toBeNull();
    expect(container.textContent).toContain('"<b>x</b>"');
    const fold = screen.getByRole("button", { name: /deep/ });
    expect(fold.getAttribute("aria-expanded")).toBe("true");
    fireEvent.click(fold);
    expect(fold.getAttribute("aria-expanded")).toBe("false");
  });

  it("shows the beginning of what is long", () => {
    show(<JsonView value={Array.from({ length: 1000 }, (_, index) => index)} />);
    expect(screen.getByText("Show 800 more")).toBeTruthy();
  });
});

describe("FailureNotice", () => {
  it("offers to sign in again, and to come back", () => {
    show(<FailureNotice failure={new Failure(401, "not-authenticated", "no")} />);
    const link = screen.getByRole("link", { name: "Sign in" }) as HTMLAnchorElement;
    expect(link.href).toContain("http://airflow.test/prefix/api/v2/auth/login?next=");
  });

  it("says that what passes is tried again", () => {
    show(<FailureNotice failure={new Failure(0, "unreachable", "away")} stale />);
    expect(document.body.textContent).toContain("Retrying automatically.");
    expect(document.body.textContent).toContain("out of date");
  });
});

describe("ErrorBoundary", () => {
  it("shows what failed and lets it be tried again", () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    let broken = true;
    const Fragile = () => {
      if (broken) throw new Error("a wheel came off");
      return <p>drives</p>;
    };
    show(
      <ErrorBoundary>
        <Fragile />
      </ErrorBoundary>,
    );
    expect(document.body.textContent).toContain("a wheel came off");
    broken = false;
    fireEvent.click(screen.getByText("Try again"));
    expect(document.body.textContent).toContain("drives");
  });
});

describe("Time", () => {
  it("has the absolute time at hand", () => {
    show(<Time at={new Date(Date.now() - 3 * 60_000).toISOString()} />);
    const shown = screen.getByText("3 minutes ago");
    expect(shown.getAttribute("title")).toMatch(/\d{4}/);
  });

  it("does not put what just happened into the future", () => {
    show(<Time at={new Date(Date.now() + 5000).toISOString()} />);
    expect(screen.getByText("now")).toBeTruthy();
  });
});
