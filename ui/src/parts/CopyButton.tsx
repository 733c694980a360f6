import { Button } from "@chakra-ui/react";
import { useState } from "react";

/** Puts a text on the clipboard; where the browser forbids that, it says so. */
export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [said, setSaid] = useState<string | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Not permitted here");
    }
    setTimeout(() => setSaid(null), 2000);
  };
  return (
    <Button aria-live="polite" minW={20} onClick={() => void copy()} size="xs" variant="outline">
      {said ?? label}
    </Button>
  );
}
