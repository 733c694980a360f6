import { CloseButton, Dialog, Portal } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { darkEdges } from "src/parts/dark";
import { t } from "src/texts";

type Props = {
  title: string;
  children: ReactNode;
  /** The buttons below. */
  footer: ReactNode;
  size?: "md" | "lg";
  /** Whether a click beside the dialog closes it; not where that would lose work. */
  closesOutside?: boolean;
  /** Whether it can be closed now. */
  closable?: boolean;
  onClose: () => void;
};

/** The frame of every dialog: its title, its content that scrolls, its buttons, and how it is closed. */
export function DialogFrame(props: Props) {
  const { title, children, footer, size = "md", closesOutside = true, closable = true, onClose } = props;
  return (
    <Dialog.Root
      closeOnInteractOutside={closesOutside}
      onOpenChange={({ open }) => open || !closable || onClose()}
      open
      placement="center"
      scrollBehavior="inside"
      size={size}
    >
      <Portal>
        <Dialog.Backdrop />
        <Dialog.Positioner>
          <Dialog.Content css={darkEdges}>
            <Dialog.Header>
              <Dialog.Title>{title}</Dialog.Title>
            </Dialog.Header>
            <Dialog.Body>{children}</Dialog.Body>
            <Dialog.Footer flexWrap="wrap">{footer}</Dialog.Footer>
            {closable ? (
              <Dialog.CloseTrigger asChild>
                <CloseButton aria-label={t("common.close")} size="sm" />
              </Dialog.CloseTrigger>
            ) : null}
          </Dialog.Content>
        </Dialog.Positioner>
      </Portal>
    </Dialog.Root>
  );
}
