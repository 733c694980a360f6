import { Button } from "@chakra-ui/react";
import { useState } from "react";
import { t } from "src/texts";

/** Puts a text on the clipboard; where the browser forbids that, it says so. */
export function CopyButton({ text, label = t("common.copy") }: { text: string; label?: string }) {
  const [said, setSaid] = useState<string | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(t("common.copied"));
    } catch {
      setSaid(t("common.copyRefused"));
    }
    setTimeout(() => setSaid(null), 2000);
  };
  return (
    <Button aria-live="polite" minW={20} onClick={() => void copy()} size="xs" variant="outline">
      {said ?? label}
    </Button>
  );
}
